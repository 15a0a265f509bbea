//! Packs, detections, findings and tests.
