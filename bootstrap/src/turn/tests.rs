//! Two people with real sockets, and a client that others wrote.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::process::Command;

use super::*;
use crate::config;

/// A node on this machine, for this machine.
async fn node(change: impl FnOnce(&mut config::Turn)) -> (Turn, config::Turn) {
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let mut settings = config::Turn {
        serve: true,
        public: vec![here],
        listen: vec![SocketAddr::new(here, 0)],
        first_port: 20_000,
        last_port: 60_000,
        private_peers: true,
        ..config::Turn::default()
    };
    change(&mut settings);
    let turn = Turn::start(settings.numbers(), [7; 32], &settings.listen()).await.unwrap();
    (turn, settings)
}

/// Runs coturn's client, if it is installed: it opens two relayed addresses and sends from one to the other. Returns what it says, and whether
/// all went well.
async fn coturn(turn: &Turn, user: &str, password: &str) -> Option<(bool, String)> {
    let port = turn.local()[0].port().to_string();
    let (user, password) = (user.to_owned(), password.to_owned());
    let ran = tokio::task::spawn_blocking(move || {
        // Without a partner for RTCP, to itself, five messages of 200 bytes.
        let fixed = ["-c", "-y", "-n", "5", "-m", "1", "-l", "200", "-e", "127.0.0.1", "-p"];
        Command::new("turnutils_uclient")
            .args(fixed)
            .args([&port, "-u", &user, "-w", &password, "127.0.0.1"])
            .output()
    });
    let out = ran.await.unwrap().ok()?;
    let said = [out.stdout, out.stderr].concat();
    Some((out.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

#[tokio::test]
async fn a_client_that_others_wrote_talks_through_it_with_what_was_lent_and_not_with_anything_else() {
    let (turn, settings) = node(|_| {}).await;
    let member = DeviceId([1; 32]);
    let offer = turn.offer(&settings, member, IpAddr::V4(Ipv4Addr::LOCALHOST)).await.unwrap();
    let port = turn.local()[0].port();
    assert_eq!(&*offer.urls[0], format!("stun:127.0.0.1:{port}"));
    assert_eq!(&*offer.urls[1], format!("turn:127.0.0.1:{port}?transport=udp"));
    let Some((good, said)) = coturn(&turn, &offer.user, &offer.password).await else {
        eprintln!("turnutils_uclient (coturn) is not installed: nothing was tested");
        return;
    };
    assert!(good && said.contains("tot_send_msgs=10, tot_recv_msgs=10"), "{said}");
    let mut numbers = turn.numbers();
    let stats = *numbers.wait_for(|stats| stats.datagrams >= 10).await.unwrap();
    assert!(stats.allocated >= 2 && stats.bytes >= 2_000, "{stats:?}");
    let (_, said) = coturn(&turn, &offer.user, "guessed").await.unwrap();
    assert!(!said.contains("tot_recv_msgs=10"), "{said}");
    assert!(numbers.wait_for(|stats| stats.bad_credentials > 0).await.is_ok());
}

#[tokio::test]
async fn whoever_asks_is_lent_servers_of_both_kinds_of_address_their_own_first() {
    let (four, six) = (IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST));
    let both = |settings: &mut config::Turn| {
        settings.public.push(six);
        settings.listen.push(SocketAddr::new(six, 0));
    };
    if std::net::UdpSocket::bind(SocketAddr::new(six, 0)).is_err() {
        eprintln!("this machine has no IPv6: nothing was tested");
        return;
    }
    let (turn, settings) = node(both).await;
    let ports: Vec<u16> = turn.local().iter().map(SocketAddr::port).collect();
    let urls = |at: String| [format!("stun:{at}"), format!("turn:{at}?transport=udp")];
    let (fours, sixes) = (urls(format!("127.0.0.1:{}", ports[0])), urls(format!("[::1]:{}", ports[1])));
    for (ip, wanted) in [(four, [&fours[..], &sixes].concat()), (six, [&sixes[..], &fours].concat())] {
        let offer = turn.offer(&settings, DeviceId([1; 32]), ip).await.unwrap();
        assert_eq!(offer.urls.iter().map(|url| url.to_string()).collect::<Vec<_>>(), wanted);
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_said_at_the_start() {
    let taken = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let listen = [taken.local_addr().unwrap()];
    let refused = Turn::start(Config::default(), [7; 32], &listen).await.err().unwrap();
    assert!(format!("{refused:#}").contains("free the port"));
}

#[tokio::test]
async fn whoever_asks_is_told_the_address_of_the_socket_that_they_asked_from() {
    let (turn, _) = node(|_| {}).await;
    let asker = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    // RFC 8489, section 5: a Binding request without attributes.
    let ask = [&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42][..], &[7; 12]].concat();
    asker.send_to(&ask, turn.local()[0]).await.unwrap();
    let mut answer = [0; 100];
    let (length, from) = asker.recv_from(&mut answer).await.unwrap();
    assert_eq!((from, &answer[..2], &answer[8..20]), (turn.local()[0], &[1, 1][..], &[7; 12][..]));
    // XOR-MAPPED-ADDRESS of IPv4: the port mixed with the first half of the cookie.
    let port = u16::from_be_bytes([answer[26] ^ 0x21, answer[27] ^ 0x12]);
    assert_eq!((length > 28, port), (true, asker.local_addr().unwrap().port()));
}
