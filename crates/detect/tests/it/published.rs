//! The published queries of the pack T1059.011 are the published ones: not a byte was changed to make a case pass.

use std::fs;
use std::path::Path;

/// The length and the FNV-1a hash of a query as it was published.
const PUBLISHED: [(&str, usize, u64); 2] =
    [("sentinel.kql", 995, 0x41fe_1d7d_45c7_6e40), ("sumo.sumo", 1562, 0x6c0d_5dc4_5a7e_6bb7)];

fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn text(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs/T1059.011/published");
    fs::read(folder.join(name)).expect("the published query")
}

#[test]
fn nobody_edited_them() {
    for (name, length, hash) in PUBLISHED {
        let bytes = text(name);
        assert_eq!((bytes.len(), fnv(&bytes)), (length, hash), "{name}");
    }
}

#[test]
fn they_stand_in_the_pages_they_come_from() {
    let Some(shared) = std::env::var_os("PARALLAX_SHARED") else {
        eprintln!("skipped: PARALLAX_SHARED is not set");
        return;
    };
    let pages = fs::read_dir(Path::new(&shared).join("seeds")).expect("the pages");
    let pages: Vec<Vec<u8>> = pages.map(|page| fs::read(page.expect("a page").path()).expect("a page")).collect();
    for (name, ..) in PUBLISHED {
        let query = text(name);
        assert!(pages.iter().any(|page| page.windows(query.len()).any(|part| part == query)), "{name}");
    }
}
