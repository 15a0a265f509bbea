//! Nesting that no product writes: the parser passes over values by recursion, so a line of brackets would end the
//! process for want of stack.

/// Deeper than any event, and far from the end of a thread's stack.
const DEEPEST: usize = 256;

/// Whether the JSON value at the beginning of a text nests deeper than is read.
pub fn too_deep(text: &str) -> bool {
    // As good as every text has fewer brackets than that, and counting them is quick.
    if memchr::memchr2_iter(b'{', b'[', text.as_bytes()).nth(DEEPEST).is_none() {
        return false;
    }
    let (mut depth, mut string, mut escaped) = (0usize, false, false);
    for b in text.bytes() {
        if string {
            string = escaped || b != b'"';
            escaped = !escaped && b == b'\\';
            continue;
        }
        match b {
            b'"' => string = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > DEEPEST {
                    return true;
                }
            }
            // Only the first value matters: what follows is looked at in its turn.
            b'}' | b']' if depth <= 1 => return false,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_not_number() {
        assert!(too_deep(&"[".repeat(300)));
        assert!(!too_deep(&"[]".repeat(300)));
        assert!(!too_deep(&format!("\"{}\"", "[".repeat(300))));
    }
}
