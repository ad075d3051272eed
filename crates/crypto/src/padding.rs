//! Padding inside the seal: a one byte, then zeros (ISO/IEC 7816-4), so that only size classes can be seen outside.

/// Appends padding until `buffer` has `length` bytes. Returns `None` when it does not fit with at least one byte.
pub(crate) fn pad(buffer: &mut Vec<u8>, length: usize) -> Option<()> {
    if buffer.len() >= length {
        return None;
    }
    buffer.push(0x80);
    buffer.resize(length, 0);
    Some(())
}

/// The content before the padding; `None` when there is no padding.
pub(crate) fn unpad(padded: &[u8]) -> Option<&[u8]> {
    let end = padded.iter().rposition(|byte| *byte != 0)?;
    let (content, rest) = padded.split_at_checked(end)?;
    (rest.first() == Some(&0x80)).then_some(content)
}
