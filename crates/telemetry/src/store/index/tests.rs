use super::*;
use crate::needles::Finder;
use crate::source::Format;
use proptest::prelude::*;

/// An index of texts that are cut into frames of so many bytes.
fn index(folder: &std::path::Path, format: Format, texts: &[String], size: usize) -> Index {
    let mut writer = Writer::new(Vec::new());
    let (mut looks, mut lengths) = (Looks::default(), Vec::new());
    for text in texts {
        let form = Form::of(format, text.as_bytes());
        let mut before = Some(Vec::new());
        let frames: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
        for (at, frame) in frames.iter().enumerate() {
            let last = at + 1 == frames.len() && frame.len() < size;
            let look = |form| looks.at(form, before.as_deref(), frame, last);
            writer.add(form.map(look).unwrap_or_default()).unwrap();
            before = match begun(frame) {
                Some(begun) => Some(begun.to_vec()),
                None => before.map(|b| [&b, *frame].concat()).filter(|b| b.len() < 8 * size),
            };
            lengths.push(u32::try_from(frame.len()).unwrap());
        }
    }
    let (bytes, length) = writer.finish(lengths.iter().copied()).unwrap();
    assert_eq!(bytes.len() as u64, length);
    let path = folder.join("index");
    std::fs::write(&path, bytes).unwrap();
    Index::new(path, lengths)
}

fn line() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        6 => "[a-z]{1,6}",
        1 => prop_oneof![Just("LUA"), Just("Lua.exe"), Just("os.Execute("), Just("lu"), Just("os.exec")].prop_map(str::to_owned),
        1 => prop_oneof![Just("\\u006cua"), Just("&#108;ua"), Just("mas\u{212a}"), Just("MASK"), Just("ma\u{17f}k")].prop_map(str::to_owned),
    ];
    let line = proptest::collection::vec(word, 0..8).prop_map(|words| words.join(" "));
    prop_oneof![8 => line.clone().prop_map(|l| format!("{{{l}}}")), 1 => line, 1 => Just(String::new())]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn no_frame_that_holds_a_piece_is_passed_over(
        texts in proptest::collection::vec(proptest::collection::vec(line(), 0..60), 1..4),
        size in 16usize..400,
        syslog in any::<bool>(),
        last in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let format = if syslog { Format::Syslog } else { Format::JsonLines };
        let texts: Vec<String> = texts.iter().map(|l| l.join("\n") + if last { "\n" } else { "" }).collect();
        let index = index(folder.path(), format, &texts, size);
        let all = [vec![("lua", false)], vec![("os.execute(", false), ("mask", true)], vec![("qqqq", false)]];
        for needles in all {
            let needles = Needles::new(needles).unwrap();
            let finder = Finder::in_json(&needles).unwrap();
            let without = index.without(&needles, !syslog).unwrap();
            let mut first = 0;
            for text in &texts {
                let frames = text.len().div_ceil(size);
                let mut end = 0;
                for (frame, group) in index.groups(first, frames, size as u64) {
                    prop_assert_eq!(group.begin, end);
                    end = group.end;
                    let lines = &text[group.begin as usize..group.end as usize];
                    if without[frame] {
                        prop_assert!(!finder.is_in(lines.as_bytes()), "{lines}");
                        let looks = |l: &str| syslog || l.trim().is_empty() || crate::formats::json::is_object(l.as_bytes());
                        prop_assert!(lines.lines().all(looks), "{lines}");
                        let count = lines.lines().filter(|l| !l.trim().is_empty()).count() as u64;
                        prop_assert_eq!(group.lines, count);
                    }
                }
                first += frames;
            }
        }
    }
}

/// Frames that hold nothing are told from those that hold something, whatever block they are in.
#[test]
fn frames_that_hold_nothing_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let line = |at: usize| match at % 120 {
        7 => "{\"a\":\"x LuaJIT x\"}\n".to_owned(),
        _ => format!("{{\"a\":\"{:014x}\"}}\n", at.wrapping_mul(0x9E37_79B9_7F4A)),
    };
    let text: String = (0..2000).map(line).collect();
    let index = index(folder.path(), Format::JsonLines, &[text], 120);
    let needles = Needles::new([("luajit", false)]).unwrap();
    let without = index.without(&needles, true).unwrap();
    assert!(without.len() > 3 * A_BLOCK);
    let read = without.iter().filter(|w| !**w).count();
    assert!((17..30).contains(&read), "{read}");
}

/// An index whose bytes were changed, or that is of other frames, is as good as none.
#[test]
fn a_damaged_index_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let text: String = (0..400).map(|n| format!("{{\"n\":\"word{n}\"}}\n")).collect();
    let whole = index(folder.path(), Format::JsonLines, &[text], 64);
    let needles = Needles::new([("word77", false)]).unwrap();
    let known = whole.without(&needles, true).unwrap();
    let bytes = std::fs::read(&whole.path).unwrap();
    for at in (0..bytes.len()).step_by(41).chain(bytes.len() - 40..bytes.len()) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x24;
        std::fs::write(&whole.path, changed).unwrap();
        let damaged = Index::new(whole.path.clone(), whole.lengths.clone()).without(&needles, true);
        assert!(damaged.is_none_or(|without| without == known), "{at}");
    }
    for length in (0..bytes.len()).step_by(97) {
        std::fs::write(&whole.path, &bytes[..length]).unwrap();
        assert!(Index::new(whole.path.clone(), whole.lengths.clone()).without(&needles, true).is_none());
    }
    std::fs::write(&whole.path, &bytes).unwrap();
    let other = whole.lengths.iter().map(|n| n + 1).collect();
    assert!(Index::new(whole.path, other).without(&needles, true).is_none());
}
