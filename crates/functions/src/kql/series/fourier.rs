//! The fast Fourier transform: `series_fft`, `series_ifft`, and sums over all lags of a series.

use super::{Value, numbers, put, real};
use crate::udf::{Functions, Row};
use serde_json::Map;
use std::f64::consts::{PI, TAU};

pub(super) fn register(f: &mut Functions) {
    f.text("series_fft_dynamic(dynamic, dynamic?) dynamic", |r, w| both(r, w, false));
    f.text("series_ifft_dynamic(dynamic, dynamic?) dynamic", |r, w| both(r, w, true));
}

/// The real and the imaginary part; that of the inverse is divided by the length (documented: one undoes the other).
fn both(r: &Row<'_>, w: &mut String, inverse: bool) -> Option<()> {
    let re = numbers(r, 0)?;
    let im = if r.len() > 1 { numbers(r, 1)? } else { vec![0.0; re.len()] };
    if re.len() != im.len() {
        return None;
    }
    // The inverse is the transform with both parts changed over.
    let mut wave: Vec<(f64, f64)> =
        re.into_iter().zip(im).map(|(re, im)| if inverse { (im, re) } else { (re, im) }).collect();
    any_length(&mut wave);
    let scale = if inverse { 1.0 / wave.len() as f64 } else { 1.0 };
    let part = |pick: fn(&(f64, f64)) -> f64| wave.iter().map(|v| real(pick(v) * scale)).collect::<Vec<_>>();
    let (re, im) = match inverse {
        true => (part(|v| v.1), part(|v| v.0)),
        false => (part(|v| v.0), part(|v| v.1)),
    };
    put(w, Map::from_iter([("real".to_owned(), Value::from(re)), ("imag".to_owned(), Value::from(im))]))
}

/// In place; of any length, by Bluestein's method where it is no power of two.
fn any_length(v: &mut [(f64, f64)]) {
    let n = v.len();
    if n < 2 || n.is_power_of_two() {
        return transform(v);
    }
    let times = |a: (f64, f64), b: (f64, f64)| (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0);
    let chirp = |k: usize| {
        let (sin, cos) = (PI * ((k * k) % (2 * n)) as f64 / n as f64).sin_cos();
        (cos, sin)
    };
    let size = (2 * n - 1).next_power_of_two();
    let mut a = vec![(0.0, 0.0); size];
    let mut b = vec![(0.0, 0.0); size];
    for k in 0..n {
        let (re, im) = chirp(k);
        a[k] = times(v[k], (re, -im));
        b[k] = (re, im);
        if k > 0 {
            b[size - k] = (re, im);
        }
    }
    transform(&mut a);
    transform(&mut b);
    for (a, b) in a.iter_mut().zip(&b) {
        let product = times(*a, *b);
        *a = (product.1, product.0);
    }
    transform(&mut a);
    for (k, v) in v.iter_mut().enumerate() {
        let (re, im) = chirp(k);
        *v = times((a[k].1 / size as f64, a[k].0 / size as f64), (re, -im));
    }
}

/// For each lag `k` the sum of `v[i] * v[i + k]`.
pub(super) fn autocorrelation(v: &[f64]) -> Vec<f64> {
    if v.is_empty() {
        return Vec::new();
    }
    // Twice the length, so that the end does not meet the beginning.
    let size = (2 * v.len()).next_power_of_two();
    let mut wave: Vec<(f64, f64)> = v.iter().map(|x| (*x, 0.0)).collect();
    wave.resize(size, (0.0, 0.0));
    transform(&mut wave);
    for (re, im) in &mut wave {
        (*re, *im) = (*re * *re + *im * *im, 0.0);
    }
    // The power is symmetric: its transform and its inverse differ by the size alone.
    transform(&mut wave);
    wave[..v.len()].iter().map(|(re, _)| re / size as f64).collect()
}

/// In place; the length is a power of two.
fn transform(v: &mut [(f64, f64)]) {
    let n = v.len();
    let bits = n.trailing_zeros();
    for i in 0..n {
        let j = if bits == 0 { 0 } else { i.reverse_bits() >> (usize::BITS - bits) };
        if i < j {
            v.swap(i, j);
        }
    }
    let mut width = 2;
    while width <= n {
        let turns: Vec<(f64, f64)> = (0..width / 2)
            .map(|k| {
                let (sin, cos) = (-TAU * k as f64 / width as f64).sin_cos();
                (cos, sin)
            })
            .collect();
        for block in v.chunks_mut(width) {
            let (low, high) = block.split_at_mut(width / 2);
            for ((a, b), (cos, sin)) in low.iter_mut().zip(high).zip(&turns) {
                let turned = (b.0 * cos - b.1 * sin, b.0 * sin + b.1 * cos);
                *b = (a.0 - turned.0, a.1 - turned.1);
                *a = (a.0 + turned.0, a.1 + turned.1);
            }
        }
        width *= 2;
    }
}
