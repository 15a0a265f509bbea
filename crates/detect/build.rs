//! Builds the packs of the repository into the program, so that the binary works alone.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let packs = PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../packs");
    println!("cargo::rerun-if-changed={}", packs.display());
    let mut code = String::from(
        "/// The packs that are built in: every folder of `packs/` with a manifest.\n\
         pub static EMBEDDED: &[pack::EmbeddedPack] = &[\n",
    );
    for pack in children(&packs)?.iter().filter(|p| p.join("pack.yaml").is_file()) {
        let name = pack.file_name().unwrap_or_default().to_string_lossy();
        let _ = writeln!(code, "    pack::EmbeddedPack {{ name: {name:?}, files: &[");
        let mut files = Vec::new();
        walk(pack, &mut files)?;
        for file in files {
            let path = file.strip_prefix(pack).unwrap_or(&file).to_string_lossy().replace('\\', "/");
            let whole = file.canonicalize()?;
            let _ = writeln!(code, "        ({path:?}, include_bytes!({whole:?})),");
        }
        code.push_str("    ] },\n");
    }
    code.push_str("];\n");
    fs::write(Path::new(&env::var("OUT_DIR").unwrap_or_default()).join("packs.rs"), code)
}

/// What is in a folder, by name; nothing where there is no folder.
fn children(folder: &Path) -> io::Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths = fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for path in children(folder)? {
        println!("cargo::rerun-if-changed={}", path.display());
        if path.is_dir() { walk(&path, files)? } else { files.push(path) }
    }
    Ok(())
}
