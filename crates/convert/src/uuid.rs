//! Ids that stay the same as long as what they are of does.

use sha1::{Digest, Sha1};

/// The namespace of ids: a random UUID.
const NAMESPACE: [u8; 16] =
    [0x5b, 0x1f, 0x0d, 0x6e, 0x3f, 0x52, 0x4c, 0x0a, 0x9b, 0x77, 0x20, 0x54, 0x8e, 0xd1, 0x33, 0xc9];

/// The UUID (version 5, by RFC 9562) of a name.
pub(crate) fn of(name: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(NAMESPACE);
    hash.update(name.as_bytes());
    let digest = hash.finalize();
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x50;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_same_name_has_the_same_id() {
        let id = super::of("a");
        assert_eq!(id, super::of("a"));
        assert_ne!(id, super::of("b"));
        assert_eq!((id.len(), id.as_bytes()[14]), (36, b'5'));
    }
}
