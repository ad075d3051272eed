//! What the payloads of video look like: VP8 (RFC 7741), H.264 (RFC 6184, packetisation modes 0 and 1), and frames that are sealed as a whole
//! (RFC 9605), of which no codec's descriptor can be made.

use super::Codec;

/// What can be said of a packet without those around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// A frame may begin with it.
    pub(super) begins: bool,
    /// It belongs to a picture that needs no other.
    pub(super) key: bool,
}

impl Codec {
    /// Nothing for a payload that is none.
    pub(super) fn part(self, payload: &[u8]) -> Option<Part> {
        match self {
            Self::Vp8 => {
                let (begins, frame) = vp8(payload)?;
                // Section 4.3: the first bit of a frame is zero in a key frame.
                let key = begins && frame.first().is_some_and(|byte| byte & 1 == 0);
                Some(Part { begins, key })
            }
            Self::H264 => h264_part(payload),
            Self::Sealed => {
                let (first, rest) = payload.split_first()?;
                let (begins, key) = (first & SEALED_BEGINS != 0, first & SEALED_KEY != 0);
                // All other bits are zero.
                let known = first & !(SEALED_BEGINS | SEALED_KEY) == 0 && (begins || !key);
                Some(Part { begins, key }).filter(|_| known && !rest.is_empty())
            }
        }
    }

    /// Adds what a packet carries of a frame; says whether that fits to what was before.
    pub(super) fn append(self, payload: &[u8], frame: &mut Vec<u8>) -> bool {
        match self {
            Self::Vp8 => match vp8(payload) {
                Some((_, part)) => {
                    frame.extend_from_slice(part);
                    true
                }
                None => false,
            },
            Self::H264 => h264_append(payload, frame).is_some(),
            Self::Sealed => match payload.split_first() {
                Some((_, part)) => {
                    frame.extend_from_slice(part);
                    true
                }
                None => false,
            },
        }
    }
}

/// Section 4.2: whether it begins a frame, and what follows the descriptor.
fn vp8(payload: &[u8]) -> Option<(bool, &[u8])> {
    let (first, mut rest) = payload.split_first()?;
    if first & 0x80 != 0 {
        let (extension, more) = rest.split_first()?;
        rest = more;
        if extension & 0x80 != 0 {
            let (picture, _) = rest.split_first()?;
            rest = rest.get(if picture & 0x80 != 0 { 2 } else { 1 }..)?;
        }
        if extension & 0x40 != 0 {
            rest = rest.get(1..)?;
        }
        if extension & 0x30 != 0 {
            rest = rest.get(1..)?;
        }
    }
    // S is set and the partition is the first.
    Some((first & 0x17 == 0x10, rest)).filter(|(_, rest)| !rest.is_empty())
}

fn h264_part(payload: &[u8]) -> Option<Part> {
    let (first, rest) = payload.split_first()?;
    match first & 0x1f {
        kind @ 1..=23 => Some(Part { begins: true, key: is_key(kind) }),
        STAP_A => {
            let key = units(rest).any(|unit| unit.first().is_some_and(|byte| is_key(byte & 0x1f)));
            Some(Part { begins: true, key })
        }
        FU_A => {
            let header = rest.first()?;
            let begins = header & 0x80 != 0;
            Some(Part { begins, key: begins && is_key(header & 0x1f) })
        }
        _ => None,
    }
}

/// A picture for itself, or the parameters that stand before one.
fn is_key(kind: u8) -> bool {
    matches!(kind, 5 | 7)
}

/// Writes units as decoders take them (ISO 14496-10 annex B).
fn h264_append(payload: &[u8], frame: &mut Vec<u8>) -> Option<()> {
    let (first, rest) = payload.split_first()?;
    match first & 0x1f {
        1..=23 => {
            frame.extend_from_slice(&START);
            frame.extend_from_slice(payload);
        }
        STAP_A => {
            for unit in units(rest) {
                frame.extend_from_slice(&START);
                frame.extend_from_slice(unit);
            }
        }
        FU_A => {
            let (header, part) = rest.split_first()?;
            if header & 0x80 != 0 {
                frame.extend_from_slice(&START);
                frame.push(first & 0xe0 | header & 0x1f);
            } else if frame.is_empty() {
                return None;
            }
            frame.extend_from_slice(part);
        }
        _ => return None,
    }
    Some(())
}

/// Section 5.7.1: each with its length before it. What is cut off is left out.
fn units(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, more) = rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let unit = more.get(..length).filter(|unit| !unit.is_empty())?;
        rest = more.get(length..)?;
        Some(unit)
    })
}

/// What stands before a part of a sealed frame: whether the frame begins with it, and if so, whether it needs no other.
pub fn sealed_descriptor(begins: bool, key: bool) -> u8 {
    match (begins, key) {
        (false, _) => 0,
        (true, false) => SEALED_BEGINS,
        (true, true) => SEALED_BEGINS | SEALED_KEY,
    }
}

const SEALED_BEGINS: u8 = 0x80;
const SEALED_KEY: u8 = 0x40;

const START: [u8; 4] = [0, 0, 0, 1];
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vp8_descriptors_are_skipped() {
        // X, S; I, L, T; a long picture number; two bytes more.
        let payload = [0x90, 0xe0, 0x92, 0x34, 1, 2, 0x10, 0xaa];
        assert_eq!(Codec::Vp8.part(&payload), Some(Part { begins: true, key: true }));
        let mut frame = Vec::new();
        assert!(Codec::Vp8.append(&payload, &mut frame));
        assert_eq!(frame, [0x10, 0xaa]);
        assert_eq!(Codec::Vp8.part(&[0x10, 0x11]), Some(Part { begins: true, key: false }));
        assert_eq!(Codec::Vp8.part(&[0x00, 0x10]), Some(Part { begins: false, key: false }));
        assert_eq!(
            Codec::Vp8.part(&[0x11, 0x10]),
            Some(Part { begins: false, key: false }),
            "the second partition"
        );
        (0..payload.len() - 1).for_each(|cut| _ = Codec::Vp8.part(&payload[..cut]));
        assert_eq!(Codec::Vp8.part(&payload[..6]), None);
    }

    #[test]
    fn h264_units_are_put_together() {
        let mut frame = Vec::new();
        let parameters = [24, 0, 2, 0x67, 1, 0, 1, 0x68];
        assert_eq!(Codec::H264.part(&parameters), Some(Part { begins: true, key: true }));
        assert!(Codec::H264.append(&parameters, &mut frame));
        assert!(Codec::H264.append(&[0x7c, 0x85, 7], &mut frame));
        assert!(Codec::H264.append(&[0x7c, 0x45, 8], &mut frame));
        assert_eq!(frame, [0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 0, 0, 0, 1, 0x65, 7, 8]);
        assert_eq!(Codec::H264.part(&[0x41, 9]), Some(Part { begins: true, key: false }));
        assert_eq!(Codec::H264.part(&[0x7c, 0x05, 9]), Some(Part { begins: false, key: false }));
        assert_eq!(Codec::H264.part(&[25]), None);
        assert!(!Codec::H264.append(&[0x7c, 0x45, 8], &mut Vec::new()), "the middle of something");
        assert!(Codec::H264.append(&[24, 0, 9, 1], &mut Vec::new()), "cut off");
    }

    #[test]
    fn of_sealed_frames_only_the_beginning_and_the_kind_are_known() {
        let begins = [sealed_descriptor(true, true), 1, 2];
        assert_eq!(Codec::Sealed.part(&begins), Some(Part { begins: true, key: true }));
        assert_eq!(
            Codec::Sealed.part(&[sealed_descriptor(true, false), 1]),
            Some(Part { begins: true, key: false })
        );
        assert_eq!(
            Codec::Sealed.part(&[sealed_descriptor(false, true), 1]),
            Some(Part { begins: false, key: false })
        );
        let mut frame = Vec::new();
        assert!(Codec::Sealed.append(&begins, &mut frame) && Codec::Sealed.append(&[0, 3], &mut frame));
        assert_eq!(frame, [1, 2, 3]);
        for none in [&[][..], &[0x80], &[0x40, 1], &[0x10, 1]] {
            assert_eq!(Codec::Sealed.part(none), None);
        }
    }
}
