//! One file or stream, opened and decompressed.

use crate::lines::Lines;
use crate::needles::Needles;
use crate::report::Report;
use crate::store::{Group, Packed};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that are read at once.
const BUFFER: usize = 256 * 1024;

/// The same of small files.
const LEAST: usize = 8 * 1024;

/// How an input is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, several members allowed.
    Gzip,
    /// Zstandard, several frames allowed.
    Zstd,
}

impl Compression {
    /// What the first bytes of a file say: the magic number, never the name.
    pub fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, 0x08, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
            _ => Compression::None,
        }
    }
}

/// When a packed input is refused as a bomb: real logs shrink 10 to 60 times, rarely 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest ratio of bytes out to bytes in.
    pub ratio: u64,
    /// The ratio counts only beyond so many bytes out: small files of zeros are harmless.
    pub after: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { ratio: 500, after: 64 << 20 }
    }
}

/// A file of ours that goes when the last one who reads it is gone.
#[derive(Debug)]
struct Spool(PathBuf);

impl Drop for Spool {
    fn drop(&mut self) {
        // A temporary file that is gone already is no harm.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Where bytes come from. Cheap to copy; nothing is open until [`Input::open`].
#[derive(Clone, Debug)]
pub struct Input {
    /// The file, or `None` for standard input.
    pub path: Option<PathBuf>,
    /// How it is packed.
    pub compression: Compression,
    /// When unpacking stops.
    pub limits: Limits,
    /// The copy of standard input: a stream can be read once, and recognition and each query read it.
    spool: Option<Arc<Spool>>,
    /// Of a text of lines, those that begin within these bytes; the whole where it is not given.
    part: Option<Range<u64>>,
    /// The bytes in a store, unpacked; the file is where they came from and need not be there any more.
    packed: Option<Packed>,
}

/// Bytes of which any can be read next.
pub trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

/// Reads `inputs` one after the other, until one says that enough is read. What can't be read is a damage of the
/// report, and the next is read all the same. `read` is given the input with its place among them and its name.
pub(crate) fn each(
    inputs: &[Input],
    report: &Report,
    mut read: impl FnMut(&Input, u32, &str) -> io::Result<ControlFlow<()>>,
) {
    for (file, input) in inputs.iter().enumerate() {
        let name = input.name();
        match read(input, u32::try_from(file).unwrap_or(u32::MAX), &name) {
            Ok(ControlFlow::Break(())) => return,
            Ok(ControlFlow::Continue(())) => {}
            Err(e) => report.damage(&name, None, e.to_string()),
        }
    }
}

impl Input {
    /// The file at `path`, packed as said.
    pub fn file(path: impl Into<PathBuf>, compression: Compression) -> Self {
        Input { path: Some(path.into()), compression, limits: Limits::default(), spool: None, part: None, packed: None }
    }

    /// The file at `path`, packed as its first bytes say.
    pub fn sniff(path: impl Into<PathBuf>) -> io::Result<Self> {
        Input::begun(path).map(|(input, _)| input)
    }

    /// The same with the file's first bytes, as they stand there.
    pub(crate) fn begun(path: impl Into<PathBuf>) -> io::Result<(Self, Vec<u8>)> {
        let path = path.into();
        let mut head = vec![0u8; 8];
        let n = read_up_to(&mut File::open(&path)?, &mut head)?;
        head.truncate(n);
        Ok((Input::file(path, Compression::of(&head)), head))
    }

    /// All of `stream` (standard input), copied to a temporary file so that it can be read as often as needed.
    pub fn spool(mut stream: impl Read) -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("parallax-stdin-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        let mut options = File::options();
        options.write(true).create_new(true);
        // What is piped in may be secret: nobody else may read the copy.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path)?;
        let spool = Arc::new(Spool(path.clone()));
        io::copy(&mut stream, &mut file)?;
        let compression = Input::sniff(path)?.compression;
        Ok(Input { path: None, compression, limits: Limits::default(), spool: Some(spool), part: None, packed: None })
    }

    /// What was read from `path` and is kept in a store.
    pub fn packed(path: impl Into<PathBuf>, packed: Packed) -> Self {
        Input { packed: Some(packed), ..Input::file(path, Compression::None) }
    }

    /// The name to show.
    pub fn name(&self) -> String {
        self.path.as_deref().map_or_else(|| "<stdin>".to_owned(), |p| p.display().to_string())
    }

    /// The file that holds the bytes, packed or not; none where a store holds them.
    pub fn disk_path(&self) -> Option<&Path> {
        if self.packed.is_some() {
            return None;
        }
        self.spool.as_ref().map(|s| s.0.as_path()).or(self.path.as_deref())
    }

    /// The file's path where its bytes can be read in place: a plain file, not packed.
    pub fn plain_path(&self) -> Option<&Path> {
        (self.compression == Compression::None).then(|| self.disk_path()).flatten()
    }

    /// The bytes whose lines are meant, where that is not all of them.
    pub fn part(&self) -> Option<&Range<u64>> {
        self.part.as_ref()
    }

    /// The bytes on disk, packed or not; of a part, its own.
    pub fn size(&self) -> u64 {
        let whole = match &self.packed {
            Some(packed) => packed.length(),
            None => self.disk_path().and_then(|path| std::fs::metadata(path).ok()).map_or(0, |m| m.len()),
        };
        self.part.as_ref().map_or(whole, |part| part.end.min(whole).saturating_sub(part.start))
    }

    /// The lines of a plain text that begin within these bytes.
    pub(crate) fn within(&self, bytes: Range<u64>) -> Input {
        Input { part: Some(bytes), ..self.clone() }
    }

    /// The same text in parts of about `size` bytes, in order: each line belongs to the part in which it begins. Only
    /// a plain file can be cut up, and whether it is lines is for the caller to know.
    pub fn parts(&self, size: u64) -> Vec<Input> {
        let whole = self.size();
        let count = whole.checked_div(size).unwrap_or(0);
        if !self.is_anywhere() || self.part.is_some() || count < 2 {
            return vec![self.clone()];
        }
        let begin = |at: u64| {
            let begin = u64::try_from(u128::from(whole) * u128::from(at) / u128::from(count)).unwrap_or(whole);
            // Between frames of which one may not have to be unpacked.
            self.packed.as_ref().map_or(begin, |packed| packed.near(begin))
        };
        // A file that is still written to is read to its end.
        let end = |at: u64| if at + 1 == count { u64::MAX } else { begin(at + 1) };
        (0..count).map(|at| Input { part: Some(begin(at)..end(at)), ..self.clone() }).collect()
    }

    /// Its lines; of a part, those that begin in it.
    pub fn lines(&self) -> io::Result<Lines<Box<dyn BufRead + Send>>> {
        if let Some(packed) = self.packed.as_ref().filter(|packed| packed.is_indexed()) {
            let part = self.bytes();
            if packed.begins_line(part.start) {
                let mut reader = packed.open()?;
                reader.seek(SeekFrom::Start(part.start))?;
                return Ok(Lines::from(Box::new(reader), part));
            }
        }
        let Some(part) = &self.part else { return Ok(Lines::new(self.open_text()?)) };
        // From the byte before: where that is a line's end, the part begins with a line.
        let begin = SeekFrom::Start(part.start.saturating_sub(1));
        if let Some(packed) = &self.packed {
            let mut reader = packed.open()?;
            reader.seek(begin)?;
            return Lines::within(Box::new(reader), part.clone());
        }
        let Some(path) = self.plain_path() else { return Ok(Lines::new(self.open_text()?)) };
        let mut file = File::open(path)?;
        file.seek(begin)?;
        Lines::within(Box::new(BufReader::with_capacity(BUFFER, file)), part.clone())
    }

    /// Whether it is known of the lines in a store what they hold.
    pub(crate) fn is_indexed(&self) -> bool {
        self.packed.as_ref().is_some_and(Packed::is_indexed)
    }

    /// The lines that need not be unpacked for somebody who looks for needles, for [`Lines::jumping`] of
    /// [`Input::lines`]; see [`Packed::without`].
    pub(crate) fn without(&self, needles: Option<&Needles>, sound: bool) -> Vec<Group> {
        let without = |needles| Some(self.packed.as_ref()?.without(needles, sound, &self.bytes()));
        needles.and_then(without).unwrap_or_default()
    }

    /// See [`Packed::frames`]; none where no store holds it.
    pub(crate) fn frames(&self, needles: Option<&Needles>, sound: bool) -> Option<(usize, usize)> {
        self.packed.as_ref().map(|packed| packed.frames(needles, sound))
    }

    /// The bytes that are meant.
    fn bytes(&self) -> Range<u64> {
        self.part.clone().unwrap_or(0..u64::MAX)
    }

    /// Whether reading can begin anywhere.
    pub(crate) fn is_anywhere(&self) -> bool {
        match &self.packed {
            Some(packed) => !packed.is_streamed(),
            None => self.plain_path().is_some(),
        }
    }

    /// Opens it for reading anywhere, and how long it is; none where it is packed or a stream.
    pub fn open_anywhere(&self) -> io::Result<Option<(Box<dyn ReadSeek>, u64)>> {
        if let Some(packed) = &self.packed {
            let reader = (!packed.is_streamed()).then(|| packed.open()).transpose()?;
            return Ok(reader.map(|r| (Box::new(r) as Box<dyn ReadSeek>, packed.length())));
        }
        let Some(path) = self.plain_path() else { return Ok(None) };
        if !path.metadata()?.is_file() {
            return Ok(None);
        }
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Some((Box::new(file), length)))
    }

    /// As [`Input::open`], and as UTF-8 where the file is UTF-16 with a byte order mark, as PowerShell writes it.
    /// Positions then count the bytes of the UTF-8 text.
    pub fn open_text(&self) -> io::Result<Box<dyn BufRead + Send>> {
        Ok(crate::formats::windows::utf16::decoded(self.open()?))
    }

    /// Opens it for reading from the beginning, decompressing.
    pub fn open(&self) -> io::Result<Box<dyn BufRead + Send>> {
        if let Some(packed) = &self.packed {
            return Ok(Box::new(packed.open()?));
        }
        let mut buffer = BUFFER;
        let raw: Box<dyn Read + Send> = match self.disk_path() {
            Some(path) => {
                let file = File::open(path)?;
                // Thousands of small files need no large buffers; one that grows is read all the same.
                let size = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|m| m.len());
                let size = size.and_then(|size| usize::try_from(size).ok()).unwrap_or(BUFFER);
                buffer = size.saturating_add(1).clamp(LEAST, BUFFER);
                Box::new(file)
            }
            None => Box::new(io::stdin()),
        };
        if self.compression == Compression::None {
            return Ok(Box::new(BufReader::with_capacity(buffer, raw)));
        }
        let packed = Arc::new(AtomicU64::new(0));
        let counted = BufReader::with_capacity(BUFFER, Counted { inner: raw, count: packed.clone() });
        let unpacked: Box<dyn Read + Send> = match self.compression {
            Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(counted)?),
            _ => Box::new(flate2::bufread::MultiGzDecoder::new(counted)),
        };
        let guard = Guard { inner: unpacked, packed, unpacked: 0, limits: self.limits };
        Ok(Box::new(BufReader::with_capacity(BUFFER, guard)))
    }
}

/// Reads until `buffer` is full or the end.
pub fn read_up_to(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut n = 0;
    while n < buffer.len() {
        match reader.read(&mut buffer[n..]) {
            Ok(0) => break,
            Ok(k) => n += k,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(n)
}

/// Counts what passes.
struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.count.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Stops a decompression bomb.
struct Guard<R> {
    inner: R,
    packed: Arc<AtomicU64>,
    unpacked: u64,
    limits: Limits,
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.unpacked += n as u64;
        let packed = self.packed.load(Ordering::Relaxed).max(1);
        if self.unpacked > self.limits.after && self.unpacked / packed > self.limits.ratio {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "refused as a decompression bomb: more than {} times its packed size after {} MiB",
                    self.limits.ratio,
                    self.unpacked >> 20
                ),
            ));
        }
        Ok(n)
    }
}
