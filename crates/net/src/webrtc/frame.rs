//! What a data channel carries: frames of libp2p's `webrtc.pb.Message`, each behind its length. A data channel cannot be
//! closed in one direction only, and these flags can say so.

use bytes::Buf as _;
use bytes::Bytes;
use bytes::BytesMut;

/// The longest frame with its length: browsers may not send longer messages.
pub(super) const MAX_MESSAGE: usize = 16 << 10;

/// The most payload that fits: a length of three bytes, a flag of two, a field's name and its length of three.
pub(super) const MAX_PAYLOAD: usize = MAX_MESSAGE - 9;

/// What a frame may say beside its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flag {
    /// There is nothing more to come.
    Fin = 0,
    /// Nothing more is read.
    StopSending = 1,
    /// The stream is given up.
    Reset = 2,
    /// A `Fin` has arrived.
    FinAck = 3,
}

/// One frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) flag: Option<Flag>,
    pub(super) payload: Bytes,
}

/// Bytes that are not frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// A frame with payload, at most [`MAX_PAYLOAD`].
pub(super) fn data(payload: &[u8]) -> Bytes {
    let mut body = vec![0x12];
    put_varint(&mut body, payload.len());
    framed(body.len() + payload.len(), &[&body, payload])
}

/// A frame with a flag only.
pub(super) fn flag(flag: Flag) -> Bytes {
    framed(2, &[&[0x08, flag as u8]])
}

fn framed(length: usize, parts: &[&[u8]]) -> Bytes {
    let mut frame = Vec::with_capacity(length + 3);
    put_varint(&mut frame, length);
    parts.iter().for_each(|part| frame.extend_from_slice(part));
    frame.into()
}

/// Takes the next whole frame off the front.
pub(super) fn next(raw: &mut BytesMut) -> Result<Option<Frame>, Malformed> {
    let mut ahead = raw.as_ref();
    let Some(length) = varint(&mut ahead)? else { return Ok(None) };
    if length > MAX_MESSAGE {
        return Err(Malformed);
    }
    if ahead.len() < length {
        return Ok(None);
    }
    let head = raw.len() - ahead.len();
    raw.advance(head);
    read(raw.split_to(length).freeze()).map(Some)
}

fn read(mut body: Bytes) -> Result<Frame, Malformed> {
    let mut frame = Frame::default();
    while !body.is_empty() {
        let key = whole(&mut body)?;
        match key & 7 {
            0 => {
                let value = whole(&mut body)?;
                if key >> 3 == 1 {
                    frame.flag = flag_of(value);
                }
            }
            2 => {
                let length = whole(&mut body)?;
                if length > body.len() {
                    return Err(Malformed);
                }
                let value = body.split_to(length);
                if key >> 3 == 2 {
                    frame.payload = value;
                }
            }
            _ => return Err(Malformed),
        }
    }
    Ok(frame)
}

fn flag_of(value: usize) -> Option<Flag> {
    [Flag::Fin, Flag::StopSending, Flag::Reset, Flag::FinAck].into_iter().find(|flag| *flag as usize == value)
}

/// A number of which every byte has to be there.
fn whole(body: &mut Bytes) -> Result<usize, Malformed> {
    let mut ahead = body.as_ref();
    let value = varint(&mut ahead)?.ok_or(Malformed)?;
    let taken = body.len() - ahead.len();
    body.advance(taken);
    Ok(value)
}

/// A number of at most four bytes; nothing here is larger.
fn varint(ahead: &mut &[u8]) -> Result<Option<usize>, Malformed> {
    let mut value = 0;
    for place in 0..4 {
        let Some((byte, rest)) = ahead.split_first() else { return Ok(None) };
        *ahead = rest;
        value |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok(Some(value));
        }
    }
    Err(Malformed)
}

fn put_varint(out: &mut Vec<u8>, mut value: usize) {
    while value > 0x7f {
        out.push(u8::try_from(value & 0x7f).unwrap_or_default() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_as_they_went_in_however_they_are_cut() {
        let sent = [data(b"hello"), flag(Flag::Fin), data(&[7; MAX_PAYLOAD]), flag(Flag::FinAck)];
        let all = sent.concat();
        for step in [1, 2, 3, 1_000, all.len()] {
            let (mut raw, mut got) = (BytesMut::new(), Vec::new());
            for part in all.chunks(step) {
                raw.extend_from_slice(part);
                while let Some(frame) = next(&mut raw).unwrap() {
                    got.push(frame);
                }
            }
            assert!(raw.is_empty() && got.len() == 4);
            assert_eq!((got[0].payload.as_ref(), got[1].flag), (&b"hello"[..], Some(Flag::Fin)));
            assert_eq!((got[2].payload.len(), got[3].flag), (MAX_PAYLOAD, Some(Flag::FinAck)));
        }
        assert_eq!(data(b"hello").as_ref(), b"\x07\x12\x05hello");
        assert_eq!(flag(Flag::Reset).as_ref(), b"\x02\x08\x02");
        assert!(data(&[7; MAX_PAYLOAD]).len() <= MAX_MESSAGE);
    }

    #[test]
    fn hostile_bytes_are_refused_or_waited_for() {
        let of = |bytes: &[u8]| next(&mut BytesMut::from(bytes));
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&[0x80]), Ok(None));
        assert_eq!(of(&[0x80, 0x80, 0x80, 0x80]), Err(Malformed));
        assert_eq!(of(&[0xff, 0xff, 0x7f]), Err(Malformed), "too long");
        assert_eq!(of(&[2, 0x12, 9]), Err(Malformed), "longer than its frame");
        assert_eq!(of(&[1, 0x0d]), Err(Malformed), "a kind of field that is not used");
        assert_eq!(of(&[2, 0x08, 9]), Ok(Some(Frame::default())), "a flag of later versions");
        assert_eq!(of(&[4, 0x18, 1, 0x08, 0]).unwrap().unwrap().flag, Some(Flag::Fin), "an unknown field");
    }
}
