//! Calls by a relay alone: a TURN server on this machine's own loop.

use std::ffi::OsString;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use kith_calls::Kind;
use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::call::Media;
use kith_proto::call::media::IceServer;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::MediaFailure;
use kith_proto::call::media::PathState;
use kith_proto::call::media::Side;
use kith_proto::call::media::Ways;
use tempfile::TempDir;
use turn::auth::AuthHandler;
use turn::auth::generate_auth_key;
use turn::relay::relay_static::RelayAddressGeneratorStatic;
use turn::server::Server;
use turn::server::config::ConnConfig;
use turn::server::config::ServerConfig;
use webrtc_util::vnet::net::Net;

use super::bench::Pair;

struct OneUser;

impl AuthHandler for OneUser {
    fn auth_handle(&self, user: &str, realm: &str, _: SocketAddr) -> Result<Vec<u8>, turn::Error> {
        if user == "ann" {
            Ok(generate_auth_key(user, realm, "secret"))
        } else {
            Err(turn::Error::ErrNoSuchUser)
        }
    }
}

/// A relay, and how it is asked.
async fn relay() -> (Server, IceServer) {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let generator = RelayAddressGeneratorStatic {
        relay_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        address: "127.0.0.1".to_owned(),
        net: Arc::new(Net::new(None)),
    };
    let config = ServerConfig {
        conn_configs: vec![ConnConfig { conn: Arc::new(socket), relay_addr_generator: Box::new(generator) }],
        realm: "kith".to_owned(),
        auth_handler: Arc::new(OneUser),
        channel_bind_timeout: Duration::ZERO,
        alloc_close_notify: None,
    };
    let server = IceServer {
        url: BoundedStr::truncated(format!("turn:127.0.0.1:{port}?transport=udp")),
        user: BoundedStr::truncated("ann"),
        password: BoundedStr::truncated("secret"),
    };
    (Server::new(config).await.unwrap(), server)
}

/// coturn, of which nothing is here but its program. It ends with this.
struct Coturn {
    child: Child,
    _folder: TempDir,
}

impl Drop for Coturn {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A relay that others wrote, and how it is asked; `None` where it is not installed.
async fn coturn() -> Option<(Coturn, IceServer)> {
    let folder = TempDir::new().unwrap();
    let file = |name: &str| folder.path().join(name).into_os_string();
    let asker = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let free = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = free.local_addr().unwrap();
    drop(free);
    let here = ["--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1", "--allow-loopback-peers"];
    let user = ["--lt-cred-mech", "--user", "ann:secret", "--realm", "kith"];
    let quiet = ["-n", "--no-tls", "--no-dtls", "--no-cli", "--log-file", "stdout"];
    let child = Command::new("turnserver")
        .args([here.as_slice(), user.as_slice(), quiet.as_slice()].concat())
        .args(["--listening-port", &at.port().to_string()])
        .args([OsString::from("--pidfile"), file("pid"), OsString::from("--userdb"), file("db")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let coturn = Coturn { child, _folder: folder };
    // It is there when it answers a Binding request (RFC 8489, section 5).
    let ask = [&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42][..], &[7; 12]].concat();
    let answered = async {
        let mut answer = [0; 100];
        loop {
            let _ = asker.send_to(&ask, at).await;
            let soon = Duration::from_millis(50);
            if let Ok(Ok(_)) = tokio::time::timeout(soon, asker.recv_from(&mut answer)).await {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), answered).await.expect("coturn answers");
    let server = IceServer {
        url: BoundedStr::truncated(format!("turn:{at}?transport=udp")),
        user: BoundedStr::truncated("ann"),
        password: BoundedStr::truncated("secret"),
    };
    Some((coturn, server))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_relays_that_others_wrote_pass_a_call_to_each_other() {
    let Some((_coturn, bobs)) = coturn().await else {
        eprintln!("turnserver (coturn) is not installed: nothing was tested");
        return;
    };
    let (_relay, anns) = relay().await;
    let mut pair = Pair::new();
    pair.ann.open(Side::Offers, Ways::RelayOnly, Media::VIDEO, &[anns]);
    pair.bob.open(Side::Answers, Ways::RelayOnly, Media::VIDEO, &[bobs]);
    pair.until("Bob hears Ann", |pair| pair.bob.hears(pair.ann.hertz)).await;
    pair.until("Ann hears Bob", |pair| pair.ann.hears(pair.bob.hertz)).await;
    pair.until("they see each other", |pair| {
        pair.ann.seen.count(Kind::Camera) > 5 && pair.bob.seen.count(Kind::Camera) > 5
    })
    .await;
    for person in [&pair.ann, &pair.bob] {
        assert!(person.told.iter().all(|line| line.contains("typ relay")), "{:?}", person.told);
        assert_eq!(person.paths.last(), Some(&(PathState::Connected, true)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_relays_alone_they_talk_and_tell_no_other_address() {
    let (_relay, server) = relay().await;
    let servers = [server];
    let mut pair = Pair::new();
    pair.ann.open(Side::Offers, Ways::RelayOnly, Media::AUDIO, &servers);
    pair.bob.open(Side::Answers, Ways::RelayOnly, Media::AUDIO, &servers);
    pair.until("they are connected", |pair| pair.ann.connected() && pair.bob.connected()).await;
    pair.until("Bob hears Ann", |pair| pair.bob.hears(pair.ann.hertz)).await;
    pair.until("Ann hears Bob", |pair| pair.ann.hears(pair.bob.hertz)).await;
    for person in [&pair.ann, &pair.bob] {
        assert!(
            !person.told.is_empty() && person.told.iter().all(|line| line.contains("typ relay")),
            "{:?}",
            person.told
        );
        assert_eq!(
            person.paths.last(),
            Some(&(PathState::Connected, true)),
            "and it is said that a relay is in the way"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_calls_waits_at_a_relay_and_goes_directly_when_somebody_answers() {
    let (_relay, server) = relay().await;
    let servers = [server];
    let mut pair = Pair::new();
    pair.ann.open(Side::Offers, Ways::RelayOnly, Media::AUDIO, &servers);
    pair.until("Ann tells of a relay", |pair| !pair.ann.told.is_empty()).await;
    assert!(pair.ann.told.iter().all(|line| line.contains("typ relay")), "{:?}", pair.ann.told);
    pair.bob.open(Side::Answers, Ways::Any, Media::AUDIO, &servers);
    pair.ann.say(MediaCommand::AllowDirect { leg: pair.ann.leg });
    pair.until("they are connected", |pair| pair.ann.connected() && pair.bob.connected()).await;
    pair.until("without a relay", |pair| pair.ann.paths.last() == Some(&(PathState::Connected, false))).await;
    pair.until("Bob hears Ann", |pair| pair.bob.hears(pair.ann.hertz)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_their_relay_dies_they_go_on_by_another() {
    let ((first, server), (_second, other)) = (relay().await, relay().await);
    let mut pair = Pair::new();
    pair.ann.open(Side::Offers, Ways::RelayOnly, Media::AUDIO, std::slice::from_ref(&server));
    pair.bob.open(Side::Answers, Ways::RelayOnly, Media::AUDIO, &[server]);
    pair.until("Bob hears Ann", |pair| pair.bob.hears(pair.ann.hertz)).await;
    first.close().await.unwrap();
    let servers = BoundedVec::truncated(vec![other]);
    for person in [&pair.ann, &pair.bob] {
        person.say(MediaCommand::SetServers { servers: servers.clone() });
    }
    pair.ann.say(MediaCommand::Restart { leg: pair.ann.leg, epoch: 2 });
    for _ in 0..20 {
        pair.pass().await;
    }
    pair.bob.forget();
    pair.ann.forget();
    pair.until("Bob hears Ann", |pair| pair.bob.hears(pair.ann.hertz)).await;
    pair.until("Ann hears Bob", |pair| pair.ann.hears(pair.bob.hertz)).await;
    assert_eq!((pair.ann.failures.len(), pair.bob.failures.len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_relay_nothing_is_tried() {
    let mut pair = Pair::new();
    pair.ann.open(Side::Offers, Ways::RelayOnly, Media::AUDIO, &[]);
    pair.bob.open(Side::Answers, Ways::RelayOnly, Media::AUDIO, &[]);
    pair.until("Bob is told", |pair| pair.bob.failures == [MediaFailure::NoRelay]).await;
    assert!(pair.ann.told.is_empty() && pair.bob.told.is_empty());
}
