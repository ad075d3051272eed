//! What strangers send, as bytes, for the fuzzers: each of these has to end, without a panic and within its limits.

use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use bytes::BytesMut;
use rtc_dtls::crypto_provider::default_provider;

use super::frame;
use super::sctp::Association;
use super::sctp::Chance;
use super::sctp::Event;
use super::sctp::Message;
use super::sctp::packet::Init;
use super::sctp::packet::Writer;
use super::stun;

const COOKIE: [u8; 16] = [7; 16];
const TAG: u32 = 9;

/// Frames on a data channel, cut anywhere.
pub fn frames(data: &[u8]) {
    let Some((step, rest)) = data.split_first() else { return };
    let mut raw = BytesMut::new();
    for part in rest.chunks(usize::from(*step).max(1)) {
        raw.extend_from_slice(part);
        while let Ok(Some(frame)) = frame::next(&mut raw) {
            assert!(frame.payload.len() <= frame::MAX_MESSAGE);
        }
    }
}

/// A binding before any key.
pub fn binding(data: &[u8]) {
    let Ok(provider) = default_provider() else { return };
    if let Some(binding) = stun::read(data, provider.crypto()) {
        let answer = stun::answer(&binding, ([192, 0, 2, 1], 9).into(), provider.crypto());
        assert!(answer.is_some_and(|answer| answer.len() < data.len()));
    }
}

/// Chunks of SCTP from somebody who has the keys: each is a kind, flags, a length and so many bytes. Between them time
/// passes, and messages are written and streams closed.
pub fn chunks(mut data: &[u8]) {
    let mut now = Instant::now();
    let mut association = Association::new(Chance { tag: TAG, number: u32::MAX - 8, cookie: COOKIE });
    let other = Init { tag: 5, window: 1 << 16, out: 1_024, taken: 1_024, number: u32::MAX - 3 };
    say(&mut association, now, |writer| writer.init(&other));
    say(&mut association, now, |writer| writer.cookie_echo(&COOKIE));
    while let Some(([kind, flags, length], rest)) = data.split_first_chunk() {
        let (body, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        data = rest;
        let mut ended = say(&mut association, now, |writer| writer.raw(*kind, *flags, body));
        match kind % 4 {
            0 => {
                let bytes = Bytes::copy_from_slice(body);
                let message = Message { stream: u16::from(*flags), kind: 53, bytes };
                ended |= !body.is_empty() && association.write(message).is_err();
            }
            1 => association.reset(u16::from(*flags)),
            _ => now += Duration::from_millis(u64::from(*flags) * 8),
        }
        ended |= association.on_time(now).is_err();
        while let Some(event) = association.poll() {
            let Event::Message(message) = event else { continue };
            assert!(message.bytes.len() <= frame::MAX_MESSAGE);
        }
        association.set_unread(usize::from(*flags) << 10);
        let mut packets = 0;
        while let Ok(Some(packet)) = association.transmit(now) {
            packets += 1;
            assert!(packet.len() <= 1_200 && packets < 10_000);
        }
        if ended {
            return;
        }
    }
}

/// Says a packet to an association. Returns whether that has ended it.
fn say(association: &mut Association, now: Instant, fill: impl FnOnce(&mut Writer)) -> bool {
    let mut writer = Writer::new(TAG, 64);
    fill(&mut writer);
    association.on_packet(now, &writer.finish()).is_err()
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_core::Rng as _;
    use rand_core::SeedableRng as _;

    use super::*;

    /// What the fuzzer does for longer and more cleverly.
    #[test]
    fn noise_does_no_harm() {
        let mut noise = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..2_000 {
            let mut data = vec![0; usize::try_from(noise.next_u32() % 600).unwrap()];
            noise.fill_bytes(&mut data);
            // Lengths and kinds are small numbers in what makes sense.
            let most = [255, 63, 15, 3][usize::try_from(noise.next_u32() % 4).unwrap()];
            data.iter_mut().for_each(|byte| *byte &= most);
            frames(&data);
            binding(&data);
            chunks(&data);
        }
    }
}
