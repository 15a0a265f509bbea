//! The fast Fourier transform, for sums over all lags of a series.

use std::f64::consts::TAU;

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
