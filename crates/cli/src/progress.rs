//! A progress bar on standard error, for people only.

use crate::policy::Talk;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use parallax_engine::Session;
use parallax_telemetry::Report;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The bar, if there is to be one. It goes when it is dropped.
pub(crate) struct Progress(Option<Shown>);

struct Shown {
    bar: ProgressBar,
    watched: Arc<Mutex<Option<Arc<Report>>>>,
}

impl Progress {
    pub(crate) fn new(session: &Session, talk: Talk) -> Self {
        if !talk.progress {
            return Progress(None);
        }
        let total = session.size();
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(10));
        let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let watched: Arc<Mutex<Option<Arc<Report>>>> = Arc::default();
        let (seen, shown) = (watched.clone(), bar.clone());
        // Ends with the bar. A short query is over before anything is drawn.
        std::thread::spawn(move || {
            while !shown.is_finished() {
                std::thread::sleep(Duration::from_millis(150));
                let report = seen.lock().unwrap_or_else(|e| e.into_inner()).clone();
                if let (Some(report), false) = (report, shown.is_finished()) {
                    // Packed inputs give more bytes than they have on disk.
                    shown.set_position(report.bytes().min(total));
                }
            }
        });
        Progress(Some(Shown { bar, watched }))
    }

    /// Shows how far the query has come whose report this is.
    pub(crate) fn watch(&self, label: &str, report: &Arc<Report>) {
        if let Some(shown) = &self.0 {
            shown.bar.set_message(label.to_owned());
            *shown.watched.lock().unwrap_or_else(|e| e.into_inner()) = Some(report.clone());
        }
    }

    /// Takes the bar away: something is to be written.
    pub(crate) fn clear(&self) {
        if let Some(shown) = &self.0 {
            shown.bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
