//! What is told of this device's addresses while only relays may be told: the network layer is asked to gather nothing else,
//! and here nothing else passes.

use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::call::Candidate;
use kith_proto::call::Candidates;
use kith_proto::call::Sdp;

/// Those candidates that are relays, without the address behind them (`raddr`, RFC 8839, 5.1).
pub(super) fn relays_only(list: &Candidates) -> Candidates {
    BoundedVec::truncated(list.iter().filter_map(relay).collect())
}

fn relay(candidate: &Candidate) -> Option<Candidate> {
    let mut words: Vec<&str> = candidate.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "typ")?;
    if words.get(at + 1) != Some(&"relay") {
        return None;
    }
    for (name, nothing) in [("raddr", "0.0.0.0"), ("rport", "0")] {
        let places: Vec<usize> = (at..words.len()).filter(|at| words.get(*at) == Some(&name)).collect();
        for at in places {
            *words.get_mut(at + 1)? = nothing;
        }
    }
    BoundedStr::new(words.join(" "))
}

/// A description without candidates and addresses: they are told as candidates, if at all.
pub(super) fn without_addresses(sdp: &Sdp) -> Sdp {
    let mut told = String::with_capacity(sdp.len());
    for line in sdp.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\r', '\n']);
        if bare.starts_with("a=candidate:") || bare.starts_with("a=remote-candidates:") {
            continue;
        }
        match bare.get(..2) {
            Some("c=") => told.push_str("c=IN IP4 0.0.0.0"),
            Some("o=") => {
                // User, session and its version; then the address.
                let kept: Vec<&str> = bare.split_whitespace().take(3).collect();
                told.push_str(&kept.join(" "));
                told.push_str(" IN IP4 0.0.0.0");
            }
            _ if bare.starts_with("a=rtcp:") => told.push_str("a=rtcp:9 IN IP4 0.0.0.0"),
            _ => told.push_str(bare),
        }
        told.push_str(line.get(bare.len()..).unwrap_or_default());
    }
    BoundedStr::truncated(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_relays_are_told_and_not_what_is_behind_them() {
        let list = [
            "1 1 udp 2130706431 192.0.2.1 50000 typ host",
            "2 1 udp 1694498815 198.51.100.7 50001 typ srflx raddr 192.0.2.1 rport 50000",
            "3 1 udp 16777215 203.0.113.9 50002 typ relay raddr 198.51.100.7 rport 50001 generation 0",
            "4 1 udp 16777215 203.0.113.9 50002 host relay",
            "typ relay raddr",
        ];
        let list = BoundedVec::truncated(list.map(BoundedStr::truncated).to_vec());
        let told: Vec<String> = relays_only(&list).iter().map(|line| line.to_string()).collect();
        assert_eq!(told, ["3 1 udp 16777215 203.0.113.9 50002 typ relay raddr 0.0.0.0 rport 0 generation 0"]);
    }

    #[test]
    fn a_description_tells_no_address() {
        let sdp = "v=0\r\no=- 4 2 IN IP4 192.0.2.1\r\ns=-\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP6 2001:db8::1\r\n\
                   a=rtcp:50001 IN IP4 192.0.2.1\r\na=candidate:1 1 udp 1 192.0.2.1 5 typ host\r\na=mid:0\r\n";
        let told = without_addresses(&BoundedStr::truncated(sdp));
        assert!(!told.contains("192.0.2") && !told.contains("2001:db8"), "{}", &*told);
        assert!(
            told.starts_with("v=0\r\no=- 4 2 IN IP4 0.0.0.0\r\ns=-\r\n") && told.ends_with("a=mid:0\r\n")
        );
        assert_eq!(without_addresses(&told), told);
    }
}
