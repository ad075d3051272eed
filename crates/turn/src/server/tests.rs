//! People who call through a node, and those who should not.

use super::*;

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const NODE: [u8; 4] = [9, 9, 9, 9];
const ANN: DeviceId = DeviceId([1; 32]);
const BOB: DeviceId = DeviceId([2; 32]);

/// A node, and how late it is.
struct Town {
    server: Server,
    now: Timestamp,
    next: u8,
    ports: u16,
    /// Sockets that are open.
    sockets: BTreeMap<RelayId, u16>,
    /// What arrived at peers: from which port of the node, where, what.
    arrived: Vec<(u16, SocketAddr, Vec<u8>)>,
}

/// Somebody's socket, with credentials.
#[derive(Clone)]
struct Caller {
    at: SocketAddr,
    credentials: Credentials,
    nonce: String,
}

/// What the node answered.
#[derive(Debug, PartialEq)]
enum Told {
    Success(Option<SocketAddr>),
    Refused(u16),
    Data(SocketAddr, Vec<u8>),
    Channel(u16, Vec<u8>),
}

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn read(bytes: &[u8]) -> Told {
    if bytes[0] & 0xc0 == 0x40 {
        return Told::Channel(u16::from_be_bytes([bytes[0], bytes[1]]), bytes[4..].to_vec());
    }
    let message = Message::read(bytes).unwrap();
    match message.class {
        Class::Success => {
            let relayed = message.addresses(attribute::XOR_RELAYED_ADDRESS).unwrap();
            let mapped = message.addresses(attribute::XOR_MAPPED_ADDRESS).unwrap();
            Told::Success(relayed.into_iter().chain(mapped).next())
        }
        Class::Error => {
            let code = message.get(attribute::ERROR_CODE).unwrap();
            Told::Refused(u16::from(code[2]) * 100 + u16::from(code[3]))
        }
        Class::Indication => {
            let from = message.addresses(attribute::XOR_PEER_ADDRESS).unwrap()[0];
            Told::Data(from, message.get(attribute::DATA).unwrap().to_vec())
        }
        Class::Request => panic!("a server asks nothing"),
    }
}

impl Town {
    fn new(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config { public: vec![IpAddr::from(NODE)], ..Config::default() };
        change(&mut config);
        let ports = config.ports.0;
        let server = Server::new(config, [7; 32]);
        Self { server, now: NOW, next: 0, ports, sockets: BTreeMap::new(), arrived: Vec::new() }
    }

    fn pass(&mut self, time: Span) {
        self.now = self.now + time;
        let mut out = Vec::new();
        self.server.wake(self.now, &mut out);
        self.run(out);
    }

    /// Runs orders. Returns what clients are told.
    fn run(&mut self, mut effects: Vec<Effect>) -> Vec<(SocketAddr, Told)> {
        let mut told = Vec::new();
        while !effects.is_empty() {
            let mut more = Vec::new();
            for effect in effects {
                match effect {
                    Effect::Answer { to, bytes } => told.push((to, read(&bytes))),
                    Effect::Open { relay, .. } => {
                        self.sockets.insert(relay, self.ports);
                        self.server.opened(self.now, relay, Some(self.ports), &mut more);
                        self.ports += 1;
                    }
                    Effect::Relay { relay, to, bytes } => {
                        self.arrived.push((self.sockets[&relay], to, bytes));
                    }
                    Effect::Close { relay } => _ = self.sockets.remove(&relay).unwrap(),
                }
            }
            effects = more;
        }
        told
    }

    fn give(&mut self, from: SocketAddr, bytes: &[u8]) -> Vec<(SocketAddr, Told)> {
        let mut out = Vec::new();
        self.server.datagram(self.now, from, bytes, &mut out);
        self.run(out)
    }

    /// A datagram from the world to a port of the node.
    fn world_sends(&mut self, from: SocketAddr, port: u16, bytes: &[u8]) -> Vec<(SocketAddr, Told)> {
        let relay = *self.sockets.iter().find(|(_, of)| **of == port).unwrap().0;
        let mut out = Vec::new();
        self.server.relayed(self.now, relay, from, bytes, &mut out);
        self.run(out)
    }

    fn caller(&mut self, who: &DeviceId, text: &str) -> Caller {
        let (credentials, _) = self.server.issue(self.now, who, at(text).ip()).unwrap();
        self.with(credentials, text)
    }

    /// Somebody with credentials from wherever, who learned the nonce.
    fn with(&mut self, credentials: Credentials, text: &str) -> Caller {
        let ask = Writer::new(Class::Request, Method::Allocate, [0; 12]).close(None);
        let mut out = Vec::new();
        self.server.datagram(self.now, at(text), &ask, &mut out);
        let [Effect::Answer { bytes, .. }] = &out[..] else { panic!("{out:?}") };
        assert_eq!(read(bytes), Told::Refused(401));
        let nonce = Message::read(bytes).unwrap().text(attribute::NONCE).unwrap().to_owned();
        Caller { at: at(text), credentials, nonce }
    }

    fn asks(&mut self, caller: &Caller, method: Method, attributes: &[(u16, Vec<u8>)]) -> Told {
        self.next += 1;
        self.asks_by(caller, method, [self.next; 12], attributes)
    }

    fn asks_by(
        &mut self,
        caller: &Caller,
        method: Method,
        name: Transaction,
        attributes: &[(u16, Vec<u8>)],
    ) -> Told {
        let told = self.give(caller.at, &self.signs(caller, method, name, attributes));
        let [(to, told)] = <[_; 1]>::try_from(told).unwrap();
        assert_eq!(to, caller.at);
        told
    }

    /// A request with the caller's credentials.
    fn signs(
        &self,
        caller: &Caller,
        method: Method,
        name: Transaction,
        attributes: &[(u16, Vec<u8>)],
    ) -> Vec<u8> {
        let Credentials { user, password } = &caller.credentials;
        let mut writer = Writer::new(Class::Request, method, name);
        for (kind, value) in attributes {
            writer = writer.put(*kind, value);
        }
        let writer = writer
            .put(attribute::USERNAME, user.as_bytes())
            .put(attribute::REALM, b"kith")
            .put(attribute::NONCE, caller.nonce.as_bytes());
        let key = Key::new(<md5::Md5 as md5::Digest>::digest(format!("{user}:kith:{password}")).into());
        writer.close(Some(&key))
    }

    fn allocates(&mut self, caller: &Caller) -> Told {
        self.asks(caller, Method::Allocate, &[(attribute::REQUESTED_TRANSPORT, vec![UDP, 0, 0, 0])])
    }

    /// Opens a relayed address. Returns it.
    fn opens(&mut self, caller: &Caller) -> SocketAddr {
        match self.allocates(caller) {
            Told::Success(Some(relayed)) => relayed,
            other => panic!("{other:?}"),
        }
    }

    fn permits(&mut self, caller: &Caller, peer: &str) -> Told {
        self.next += 1;
        let name = [self.next; 12];
        let attribute = peer_attribute(peer, name);
        self.asks_by(caller, Method::CreatePermission, name, &[attribute])
    }

    fn binds(&mut self, caller: &Caller, channel: u16, peer: &str) -> Told {
        self.next += 1;
        let name = [self.next; 12];
        let number = [channel.to_be_bytes(), [0, 0]].concat();
        let attributes = [(attribute::CHANNEL_NUMBER, number), peer_attribute(peer, name)];
        self.asks_by(caller, Method::ChannelBind, name, &attributes)
    }

    fn sends(&mut self, caller: &Caller, peer: &str, data: &[u8]) {
        let send = Writer::new(Class::Indication, Method::Send, [9; 12]);
        let send = send.put_address(attribute::XOR_PEER_ADDRESS, at(peer)).put(attribute::DATA, data);
        assert_eq!(self.give(caller.at, &send.bytes()), []);
    }
}

fn peer_attribute(peer: &str, name: Transaction) -> (u16, Vec<u8>) {
    let written = Writer::new(Class::Request, Method::Send, name)
        .put_address(attribute::XOR_PEER_ADDRESS, at(peer))
        .bytes();
    (attribute::XOR_PEER_ADDRESS, written[24..].to_vec())
}

#[test]
fn two_who_call_talk_through_the_node_by_indications_and_by_a_channel() {
    let mut town = Town::new(|_| {});
    let ann = town.caller(&ANN, "1.1.1.1:5000");
    let relayed = town.opens(&ann);
    assert_eq!(relayed, at("9.9.9.9:49160"));
    town.sends(&ann, "2.2.2.2:6000", b"too early");
    assert_eq!(town.arrived, [], "nothing was permitted");
    assert_eq!(town.world_sends(at("2.2.2.2:6000"), relayed.port(), b"too early"), []);
    assert_eq!(town.permits(&ann, "2.2.2.2:0"), Told::Success(None));
    town.sends(&ann, "2.2.2.2:6000", b"hello");
    assert_eq!(std::mem::take(&mut town.arrived), [(relayed.port(), at("2.2.2.2:6000"), b"hello".to_vec())]);
    let told = town.world_sends(at("2.2.2.2:6000"), relayed.port(), b"yes?");
    assert_eq!(told, [(ann.at, Told::Data(at("2.2.2.2:6000"), b"yes?".to_vec()))]);
    assert_eq!(town.binds(&ann, 0x4000, "2.2.2.2:6000"), Told::Success(None));
    assert_eq!(town.give(ann.at, b"\x40\x00\x00\x03by number, and padding"), []);
    assert_eq!(town.arrived, [(relayed.port(), at("2.2.2.2:6000"), b"by ".to_vec())]);
    let told = town.world_sends(at("2.2.2.2:6000"), relayed.port(), b"good");
    assert_eq!(told, [(ann.at, Told::Channel(0x4000, b"good".to_vec()))]);
    assert_eq!(town.world_sends(at("3.3.3.3:6000"), relayed.port(), b"and I?"), [], "whom nobody permitted");
    assert_eq!(town.server.stats().datagrams, 4);
}

#[test]
fn wrong_and_old_and_foreign_credentials_open_nothing() {
    let mut town = Town::new(|_| {});
    let ann = town.caller(&ANN, "1.1.1.1:5000");
    let with =
        |user: &str, password: &str| Credentials { user: user.to_owned(), password: password.to_owned() };
    let wrong = Caller { credentials: with(&ann.credentials.user, "guessed"), ..ann.clone() };
    assert_eq!(town.allocates(&wrong), Told::Refused(401));
    let longer = ann.credentials.user.replacen("18000006", "18000007", 1);
    assert_ne!(longer, ann.credentials.user);
    let longer = Caller { credentials: with(&longer, &ann.credentials.password), ..ann.clone() };
    assert_eq!(town.allocates(&longer), Told::Refused(401), "a later end was not signed");
    let (foreign, _) = Server::new(Config::default(), [8; 32]).issue(NOW, &ANN, ann.at.ip()).unwrap();
    let foreign = Caller { credentials: foreign, ..ann.clone() };
    assert_eq!(town.allocates(&foreign), Told::Refused(401), "of another node");
    let stolen = Caller { at: at("1.1.1.1:5001"), ..ann.clone() };
    assert_eq!(town.allocates(&stolen), Told::Refused(438), "a nonce of another address");
    assert_eq!(town.server.stats().bad_credentials, 3);
    town.pass(Span::from_minutes(11));
    assert_eq!(town.allocates(&ann), Told::Refused(401), "too late");
    assert_eq!((town.server.stats().open, town.sockets.len()), (0, 0));
}

#[test]
fn what_is_open_goes_on_when_its_credentials_are_over_and_ends_when_nobody_asks_for_it() {
    let mut town = Town::new(|_| {});
    let ann = town.caller(&ANN, "1.1.1.1:5000");
    town.opens(&ann);
    for _ in 0..5 {
        town.pass(Span::from_minutes(9));
        assert_eq!(town.asks(&ann, Method::Refresh, &[]), Told::Success(None));
    }
    let bob = town.caller(&BOB, "1.1.1.1:5000");
    assert_eq!(town.asks(&bob, Method::Refresh, &[]), Told::Refused(441), "not with another's credentials");
    let newer = town.caller(&ANN, "1.1.1.1:5000");
    assert_eq!(town.asks(&newer, Method::Refresh, &[]), Told::Success(None), "with newer ones of hers");
    assert_eq!(town.asks(&ann, Method::Refresh, &[]), Told::Refused(401), "which take the place of the old");
    town.pass(Span::from_minutes(10));
    assert_eq!((town.server.stats().open, town.sockets.len()), (0, 0));
    let again = town.caller(&ANN, "1.1.1.1:5000");
    town.opens(&again);
    assert_eq!(town.asks(&again, Method::Refresh, &[(attribute::LIFETIME, vec![0; 4])]), Told::Success(None));
    assert_eq!(town.sockets.len(), 0, "given back");
}

#[test]
fn a_member_a_line_a_network_and_the_node_have_so_many_addresses_and_no_more() {
    let mut town = Town::new(|config| {
        (config.per_member, config.per_line, config.per_network, config.allocations) = (2, 3, 4, 5);
    });
    let [cem, dan, eve] = [3, 4, 5].map(|seed| DeviceId([seed; 32]));
    let callers: Vec<Caller> = (0..3).map(|port| town.caller(&ANN, &format!("1.1.1.1:500{port}"))).collect();
    town.opens(&callers[0]);
    town.opens(&callers[1]);
    assert_eq!(town.allocates(&callers[2]), Told::Refused(486), "her third");
    assert!(town.server.issue(town.now, &ANN, at("1.1.1.1:1").ip()).is_some(), "what she has goes on");
    let bob = town.caller(&BOB, "1.1.1.1:5003");
    town.opens(&bob);
    let same_line = town.caller(&cem, "1.1.1.1:5004");
    assert_eq!(town.allocates(&same_line), Told::Refused(486), "the line's fourth");
    let neighbour = town.caller(&cem, "1.1.1.7:5000");
    town.opens(&neighbour);
    let next = town.caller(&dan, "1.1.1.8:5000");
    assert_eq!(town.allocates(&next), Told::Refused(486), "the network's fifth");
    let (one, two) = (town.caller(&dan, "4.4.4.4:1"), town.caller(&eve, "4.4.5.4:2"));
    town.opens(&one);
    assert_eq!(town.allocates(&two), Told::Refused(486), "the node's sixth");
    assert_eq!((town.server.stats().over_quota, town.server.stats().open), (4, 5));
    town.asks(&one, Method::Refresh, &[(attribute::LIFETIME, vec![0; 4])]);
    town.opens(&two);
}

#[test]
fn addresses_by_which_nothing_passes_make_room_for_others_the_longest_idle_first() {
    let mut town = Town::new(|config| config.allocations = 2);
    let (ann, bob) = (town.caller(&ANN, "1.1.1.1:5000"), town.caller(&BOB, "2.2.2.2:5000"));
    town.opens(&ann);
    town.pass(Span::from_secs(1));
    let bobs = town.opens(&bob);
    town.permits(&ann, "5.5.5.5:0");
    town.permits(&bob, "5.5.5.5:0");
    let cem = town.caller(&DeviceId([3; 32]), "3.3.3.3:5000");
    assert_eq!(town.allocates(&cem), Told::Refused(486), "both are new");
    town.pass(Span::from_secs(59));
    town.sends(&ann, "5.5.5.5:5", b"still here");
    town.pass(Span::from_secs(1));
    town.opens(&cem);
    assert_eq!(town.permits(&ann, "5.5.5.5:0"), Told::Success(None), "a call goes on");
    assert_eq!(town.permits(&bob, "5.5.5.5:0"), Told::Refused(437));
    assert!(!town.sockets.values().any(|port| *port == bobs.port()));
    assert_eq!((town.server.stats().made_room, town.server.stats().open), (1, 2));
}

#[test]
fn whoever_asks_too_fast_waits_with_credentials_and_for_them() {
    let mut town = Town::new(|_| {});
    let ann = town.caller(&ANN, "1.1.1.1:5000");
    town.opens(&ann);
    let renewed = (0..2_000).filter(|number: &u32| {
        let name = [&number.to_be_bytes()[..], &[1; 8]].concat().try_into().unwrap();
        let ask = town.signs(&ann, Method::Refresh, name, &[]);
        !town.give(ann.at, &ask).is_empty()
    });
    let renewed = renewed.count();
    assert!((900..=1_000).contains(&renewed), "{renewed}");
    assert!(town.server.stats().too_fast >= 1_000);
    let lent = (0..100).filter(|_| town.server.issue(town.now, &BOB, at("1.1.1.9:1").ip()).is_some()).count();
    assert_eq!(
        (lent, town.server.stats().not_issued),
        (59, 41),
        "Ann's was one of them: it is the same network"
    );
    assert!(town.server.issue(town.now, &BOB, at("1.1.2.9:1").ip()).is_some());
    town.pass(Span::from_minutes(1));
    assert_eq!(town.asks(&ann, Method::Refresh, &[]), Told::Success(None));
}

#[test]
fn a_device_with_an_address_of_ipv6_gets_one_of_ipv6_without_saying_so() {
    let mut town = Town::new(|config| config.public.push("2a09::9".parse().unwrap()));
    let ann = town.caller(&ANN, "[2a01::1]:5000");
    let relayed = town.opens(&ann);
    assert_eq!(relayed, at("[2a09::9]:49160"));
    assert_eq!(town.permits(&ann, "2.2.2.2:0"), Told::Refused(443));
    assert_eq!(town.permits(&ann, "[2a02::2]:0"), Told::Success(None));
    town.sends(&ann, "[2a02::2]:6000", b"hello");
    assert_eq!(town.arrived, [(relayed.port(), at("[2a02::2]:6000"), b"hello".to_vec())]);
    let four = [
        (attribute::REQUESTED_TRANSPORT, vec![UDP, 0, 0, 0]),
        (attribute::REQUESTED_ADDRESS_FAMILY, vec![1, 0, 0, 0]),
    ];
    let other = town.caller(&ANN, "[2a01::1]:5001");
    assert_eq!(town.asks(&other, Method::Allocate, &four), Told::Refused(440), "families are not mixed");
    let with_both = town.caller(&ANN, "1.1.1.1:5000");
    assert_eq!(town.opens(&with_both).ip(), IpAddr::from(NODE), "the same credentials are good for both");
}

#[test]
fn permissions_last_five_minutes_channels_ten_and_both_can_be_renewed() {
    let mut town = Town::new(|_| {});
    let ann = town.caller(&ANN, "1.1.1.1:5000");
    let port = town.opens(&ann).port();
    let heard = |town: &mut Town, from: &str| town.world_sends(at(from), port, b"x").len();
    town.permits(&ann, "2.2.2.2:0");
    assert_eq!(town.binds(&ann, 0x4000, "3.3.3.3:6000"), Told::Success(None));
    town.pass(Span::from_secs(299));
    assert_eq!((heard(&mut town, "2.2.2.2:6000"), heard(&mut town, "3.3.3.3:6000")), (1, 1));
    town.pass(Span::from_secs(1));
    assert_eq!((heard(&mut town, "2.2.2.2:6000"), heard(&mut town, "3.3.3.3:6000")), (0, 0));
    town.give(ann.at, b"\x40\x00\x00\x01x");
    assert_eq!(town.arrived, [], "a channel whose peer is not permitted any more");
    // Binding renews both.
    assert_eq!(town.binds(&ann, 0x4000, "3.3.3.3:6000"), Told::Success(None));
    assert_eq!(town.asks(&ann, Method::Refresh, &[]), Told::Success(None));
    town.give(ann.at, b"\x40\x00\x00\x01x");
    assert_eq!(town.arrived.len(), 1);
    town.pass(Span::from_secs(299));
    town.permits(&ann, "3.3.3.3:0");
    town.pass(Span::from_secs(299));
    assert_eq!(town.asks(&ann, Method::Refresh, &[]), Told::Success(None));
    assert_eq!(
        town.world_sends(at("3.3.3.3:6000"), port, b"x"),
        [(ann.at, Told::Channel(0x4000, b"x".to_vec()))]
    );
    town.permits(&ann, "3.3.3.3:0");
    town.pass(Span::from_secs(2));
    let told = town.world_sends(at("3.3.3.3:6000"), port, b"x");
    assert_eq!(
        told,
        [(ann.at, Told::Data(at("3.3.3.3:6000"), b"x".to_vec()))],
        "the channel is over, the permission is not"
    );
    town.give(ann.at, b"\x40\x00\x00\x01x");
    assert_eq!(town.arrived.len(), 1);
}

#[test]
fn a_number_means_one_peer_and_there_are_so_many() {
    let mut town = Town::new(|_| {});
    let ann = town.caller(&ANN, "1.1.1.1:5000");
    town.opens(&ann);
    assert_eq!(town.binds(&ann, 0x4000, "2.2.2.2:1"), Told::Success(None));
    assert_eq!(town.binds(&ann, 0x4000, "2.2.2.2:1"), Told::Success(None), "again");
    assert_eq!(town.binds(&ann, 0x4000, "2.2.2.2:2"), Told::Refused(400));
    assert_eq!(town.binds(&ann, 0x4001, "2.2.2.2:1"), Told::Refused(400));
    assert_eq!(town.binds(&ann, 0x3fff, "2.2.2.2:3"), Told::Refused(400));
    assert_eq!(town.binds(&ann, 0x8000, "2.2.2.2:3"), Told::Refused(400));
    let most = u16::try_from(crate::allocation::MAX_PEERS).unwrap();
    for number in 1..most {
        let peer = format!("2.3.{number}.2:1");
        assert_eq!(town.binds(&ann, 0x4000 + number, &peer), Told::Success(None), "{peer}");
    }
    assert_eq!(town.binds(&ann, 0x4fff, "2.2.200.2:1"), Told::Refused(508));
    assert_eq!(town.permits(&ann, "2.2.200.2:1"), Told::Refused(508));
    // All are renewed at once.
    let name = [200; 12];
    let mut all: Vec<_> =
        (1..most).map(|number| peer_attribute(&format!("2.3.{number}.2:1"), name)).collect();
    assert_eq!(town.asks_by(&ann, Method::CreatePermission, name, &all), Told::Success(None));
    all.push(peer_attribute("2.2.200.2:1", name));
    assert_eq!(town.asks_by(&ann, Method::CreatePermission, name, &all), Told::Refused(508), "all or none");
}

#[test]
fn a_nonce_is_over_after_less_than_an_hour_and_the_next_one_goes_on() {
    let mut town = Town::new(|_| {});
    let ann = town.caller(&ANN, "1.1.1.1:5000");
    town.opens(&ann);
    for _ in 0..6 {
        town.pass(Span::from_secs(540));
        assert_eq!(town.asks(&ann, Method::Refresh, &[]), Told::Success(None));
    }
    town.pass(Span::from_secs(180));
    assert_eq!(town.asks(&ann, Method::Refresh, &[]), Told::Refused(438));
    let ann = town.with(ann.credentials.clone(), "1.1.1.1:5000");
    assert_eq!(town.asks(&ann, Method::Refresh, &[]), Told::Success(None));
}

#[test]
fn two_who_both_use_this_node_talk_without_leaving_it() {
    let mut town = Town::new(|_| {});
    let (ann, bob) = (town.caller(&ANN, "1.1.1.1:5000"), town.caller(&BOB, "2.2.2.2:5000"));
    let (anns, bobs) = (town.opens(&ann), town.opens(&bob));
    let send = |to: SocketAddr| {
        let send = Writer::new(Class::Indication, Method::Send, [9; 12]);
        send.put_address(attribute::XOR_PEER_ADDRESS, to).put(attribute::DATA, b"hello").bytes()
    };
    town.permits(&ann, "9.9.9.9:0");
    assert_eq!(town.give(ann.at, &send(bobs)), [], "Bob has not permitted her");
    town.permits(&bob, "9.9.9.9:0");
    assert_eq!(town.give(ann.at, &send(bobs)), [(bob.at, Told::Data(anns, b"hello".to_vec()))]);
    assert_eq!(town.arrived, [], "nothing has to go to the own address and back");
    town.asks(&bob, Method::Refresh, &[(attribute::LIFETIME, vec![0; 4])]);
    assert_eq!(
        (town.give(ann.at, &send(bobs)), town.arrived.len()),
        (Vec::new(), 0),
        "his port may be another's now"
    );
}

#[test]
fn nobody_reaches_the_operator_s_machine_or_house_through_it() {
    let mut town = Town::new(|_| {});
    let ann = town.caller(&ANN, "1.1.1.1:5000");
    town.opens(&ann);
    for inside in [
        "127.0.0.1:80",
        "10.0.0.1:53",
        "192.168.1.1:80",
        "169.254.169.254:80",
        "0.0.0.0:80",
        "224.0.0.1:5353",
    ] {
        assert_eq!(town.permits(&ann, inside), Told::Refused(403), "{inside}");
        assert_eq!(town.binds(&ann, 0x4001, inside), Told::Refused(403), "{inside}");
        town.sends(&ann, inside, b"GET /metrics");
    }
    assert_eq!(town.permits(&ann, "[::1]:80"), Told::Refused(443));
    // Another's relayed address here is a peer like others; nothing else on this machine is, in the range of ports or not.
    assert_eq!(town.permits(&ann, "9.9.9.9:49170"), Told::Success(None));
    town.sends(&ann, "9.9.9.9:9090", b"GET /metrics");
    town.sends(&ann, "9.9.9.9:49170", b"GET /metrics");
    assert_eq!(town.arrived, []);
    assert_eq!(town.server.stats().forbidden_peers, 12);
    let mut house = Town::new(|config| config.private_peers = true);
    let ann = house.caller(&ANN, "127.0.0.1:5000");
    house.opens(&ann);
    assert_eq!(house.permits(&ann, "127.0.0.1:6000"), Told::Success(None), "if the operator says so");
}

#[test]
fn more_than_the_agreed_bytes_a_second_are_dropped() {
    let mut town = Town::new(|config| config.bytes_per_second = 1_000);
    let ann = town.caller(&ANN, "1.1.1.1:5000");
    let relayed = town.opens(&ann);
    town.permits(&ann, "2.2.2.2:0");
    for _ in 0..30 {
        town.sends(&ann, "2.2.2.2:6000", &[0; 100]);
    }
    assert_eq!(town.arrived.len(), 13, "two seconds at once, with the heads");
    assert_eq!(
        town.world_sends(at("2.2.2.2:6000"), relayed.port(), &[0; 100]),
        [],
        "both ways count together"
    );
    town.pass(Span::from_secs(1));
    for _ in 0..30 {
        town.sends(&ann, "2.2.2.2:6000", &[0; 100]);
    }
    assert_eq!((town.arrived.len(), town.server.stats().over_rate), (20, 41));
    town.pass(Span::from_secs(10));
    for _ in 0..1_000 {
        town.sends(&ann, "2.2.2.2:6000", b"");
    }
    assert_eq!(town.arrived.len(), 20 + 2_000 / 48, "nothing has a head, too");
}

#[test]
fn a_repeated_request_is_answered_again_and_another_for_the_same_address_is_not() {
    let mut town = Town::new(|_| {});
    let ann = town.caller(&ANN, "1.1.1.1:5000");
    let transport = [(attribute::REQUESTED_TRANSPORT, vec![UDP, 0, 0, 0])];
    let first = town.asks_by(&ann, Method::Allocate, [70; 12], &transport);
    assert_eq!(town.asks_by(&ann, Method::Allocate, [70; 12], &transport), first);
    assert_eq!(town.asks_by(&ann, Method::Allocate, [71; 12], &transport), Told::Refused(437));
    assert_eq!(town.sockets.len(), 1);
    let bob = town.caller(&BOB, "2.2.2.2:5000");
    assert_eq!(town.permits(&bob, "1.1.1.1:1"), Told::Refused(437), "who has none");
    let wrong = [(attribute::REQUESTED_TRANSPORT, vec![6, 0, 0, 0])];
    assert_eq!(town.asks(&bob, Method::Allocate, &wrong), Told::Refused(442));
    let foreign = [transport[0].clone(), (0x001a, Vec::new())];
    assert_eq!(town.asks(&bob, Method::Allocate, &foreign), Told::Refused(420));
    let pair = [transport[0].clone(), (attribute::EVEN_PORT, vec![0x80])];
    assert_eq!(town.asks(&bob, Method::Allocate, &pair), Told::Refused(508), "two ports");
    let six = [transport[0].clone(), (attribute::REQUESTED_ADDRESS_FAMILY, vec![2, 0, 0, 0])];
    assert_eq!(town.asks(&bob, Method::Allocate, &six), Told::Refused(440));
}

#[test]
fn without_a_port_nothing_is_open() {
    let mut town = Town::new(|_| {});
    let ann = town.caller(&ANN, "1.1.1.1:5000");
    let user = ann.credentials.user.as_bytes();
    let ask = Writer::new(Class::Request, Method::Allocate, [1; 12])
        .put(attribute::REQUESTED_TRANSPORT, &[UDP, 0, 0, 0])
        .put(attribute::USERNAME, user)
        .put(attribute::REALM, b"kith")
        .put(attribute::NONCE, ann.nonce.as_bytes())
        .close(Some(&town.server.secret.key(&ann.credentials.user, "kith")));
    let mut out = Vec::new();
    town.server.datagram(town.now, ann.at, &ask, &mut out);
    let [Effect::Open { relay, v6: false, even: false }] = out[..] else { panic!("{out:?}") };
    out.clear();
    town.server.opened(town.now, relay, None, &mut out);
    let [Effect::Close { .. }, Effect::Answer { bytes, .. }] = &out[..] else { panic!("{out:?}") };
    assert_eq!(read(bytes), Told::Refused(508));
    assert_eq!(town.server.stats().open, 0);
}

#[test]
fn whoever_asks_is_told_their_address_and_made_up_ones_fill_no_memory() {
    let mut town = Town::new(|_| {});
    let ask = Writer::new(Class::Request, Method::Binding, [3; 12]).close(None);
    assert_eq!(
        town.give(at("1.1.1.1:5000"), &ask),
        [(at("1.1.1.1:5000"), Told::Success(Some(at("1.1.1.1:5000"))))]
    );
    let mut answered = 0;
    for number in 0..20_000_u32 {
        let from = SocketAddr::new(IpAddr::from((0x1000_0000 + number * 256).to_be_bytes()), 1);
        answered +=
            town.give(from, &Writer::new(Class::Request, Method::Allocate, [3; 12]).close(None)).len();
    }
    assert!(answered < 5_000, "{answered}: who is not known shares one rate");
    assert!(town.server.asked.known() <= crate::rates::KNOWN && town.server.allocations.is_empty());
    let mut loud = 0;
    for _ in 0..1_000 {
        loud += town.give(at("1.1.1.1:5000"), &ask).len();
    }
    assert!(loud <= 200, "{loud}");
    town.pass(Span::from_minutes(1));
    assert_eq!(town.server.asked.known(), 0);
    for noise in [&[0xff_u8; 60][..], &[0x40; 3], &[0; 20], b""] {
        assert_eq!(town.give(at("5.5.5.5:5"), noise), []);
    }
}

/// Marsaglia's xorshift: the same bytes each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }

    /// Some bytes changed, or the end cut off.
    fn spoil(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(6) {
            let at = self.below(bytes.len());
            bytes[at] = u8::try_from(self.below(256)).unwrap();
        }
        if self.below(4) == 0 {
            bytes.truncate(self.below(160));
        }
    }
}

#[test]
fn nothing_that_strangers_send_brings_the_server_down_or_opens_anything() {
    let mut town = Town::new(|_| {});
    let peer = peer_attribute("2.2.2.2:1", [1; 12]);
    let good = Writer::new(Class::Request, Method::ChannelBind, [1; 12])
        .put(attribute::CHANNEL_NUMBER, &[0x40, 0, 0, 0])
        .put(peer.0, &peer.1)
        .put(attribute::USERNAME, b"1800000000:0102030405060708")
        .put(attribute::REALM, b"kith")
        .put(attribute::NONCE, b"00")
        .put(attribute::MESSAGE_INTEGRITY, &[0; 20])
        .bytes();
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    for round in 0..50_000_u32 {
        let mut bytes = good.clone();
        chance.spoil(&mut bytes);
        let from = SocketAddr::new(IpAddr::from((0x0100_0000 + round * 256).to_be_bytes()), 1);
        town.give(from, &bytes);
        if round % 1_000 == 0 {
            town.pass(Span::from_secs(60));
        }
    }
    assert_eq!((town.server.stats().open, town.sockets.len(), town.arrived.len()), (0, 0, 0));
    assert!(
        town.server.stats().dropped > 1_000 && town.server.stats().too_fast == 0,
        "{:?}",
        town.server.stats()
    );
}

/// What is spoiled before it is signed gets to where addresses are opened, permitted and bound.
#[test]
fn nothing_that_a_member_sends_brings_the_server_down_or_reaches_what_is_not_permitted() {
    let mut town = Town::new(|config| config.per_member = 3);
    let mut chance = Chance(0x2545_f491_4f6c_dd1d);
    let places = ["1.1.1.1:5000", "1.1.1.1:5001", "1.1.1.1:5002", "1.1.1.1:5003"];
    let mut callers = places.map(|place| town.caller(&ANN, place));
    let methods =
        [Method::Allocate, Method::Refresh, Method::CreatePermission, Method::ChannelBind, Method::Send];
    for round in 0..60_000_u32 {
        let caller = callers[chance.below(places.len())].clone();
        let name: Transaction = [&round.to_be_bytes()[..], &[0; 8]].concat().try_into().unwrap();
        let number = u16::try_from(0x4000 + chance.below(4)).unwrap().to_be_bytes();
        let peer = peer_attribute(&format!("2.2.2.{}:1", chance.below(4)), name);
        let mut attributes = vec![
            (attribute::REQUESTED_TRANSPORT, vec![UDP, 0, 0, 0]),
            (attribute::CHANNEL_NUMBER, [number, [0, 0]].concat()),
            peer,
        ];
        if chance.below(4) == 0 {
            let (_, value) = &mut attributes[chance.below(3)];
            chance.spoil(value);
        }
        if chance.below(20) == 0 {
            attributes.push((attribute::LIFETIME, vec![0; 4]));
        }
        let bytes = match chance.below(8) {
            0 => [&number[..], &[0, 3], &b"by number"[..chance.below(9)]].concat(),
            _ => town.signs(&caller, methods[chance.below(methods.len())], name, &attributes),
        };
        town.give(caller.at, &bytes);
        town.pass(Span(u64::try_from(chance.below(2_000)).unwrap()));
        assert!(town.sockets.len() <= 3 && town.sockets.len() == town.server.allocations.len());
        assert_eq!(town.server.by_relay.len(), town.sockets.len());
        assert!(town.server.by_relayed.len() <= town.sockets.len());
        if round % 200 == 0 {
            callers = places.map(|place| town.caller(&ANN, place));
        }
    }
    let stats = town.server.stats();
    assert!(stats.allocated > 100 && stats.datagrams > 100 && stats.forbidden_peers > 10, "{stats:?}");
    assert!(town.arrived.iter().all(|(_, to, _)| peers::may_send(*to, false)));
}

#[test]
fn made_up_questions_in_the_name_of_her_network_do_not_end_her_call() {
    let mut town = Town::new(|_| {});
    let ann = town.caller(&ANN, "1.1.1.1:5000");
    town.opens(&ann);
    let made_up = Writer::new(Class::Request, Method::Allocate, [3; 12]).close(None);
    let answered: usize =
        (0..1_000).map(|port| town.give(at(&format!("1.1.1.2:{port}")), &made_up).len()).sum();
    assert!(answered <= 200, "{answered}: and nobody is drowned in answers");
    assert!(town.server.stats().too_fast >= 800);
    assert_eq!(town.permits(&ann, "2.2.2.2:0"), Told::Success(None));
    assert_eq!(town.asks(&ann, Method::Refresh, &[]), Told::Success(None));
}

#[test]
fn an_answer_to_somebody_unknown_is_at_most_five_times_as_long_as_the_question() {
    let mut town = Town::new(|_| {});
    for method in [Method::Binding, Method::Allocate, Method::Refresh, Method::ChannelBind] {
        let ask = Writer::new(Class::Request, method, [3; 12]).bytes();
        let mut out = Vec::new();
        town.server.datagram(town.now, at("[2a01::1]:5000"), &ask, &mut out);
        let [Effect::Answer { bytes, .. }] = &out[..] else { panic!("{out:?}") };
        assert!(bytes.len() <= 5 * ask.len(), "{method:?}: {} for {}", bytes.len(), ask.len());
    }
}

#[test]
fn what_has_to_be_understood_and_is_not_is_said_also_to_who_only_wants_to_know_their_address() {
    let mut town = Town::new(|_| {});
    let ask = Writer::new(Class::Request, Method::Binding, [3; 12]).put(0x7fff, b"new!").close(None);
    assert_eq!(town.give(at("1.1.1.1:5000"), &ask), [(at("1.1.1.1:5000"), Told::Refused(420))]);
}

#[test]
fn somebody_with_another_node_s_realm_is_told_the_right_one() {
    let mut town = Town::new(|_| {});
    let ann = town.caller(&ANN, "1.1.1.1:5000");
    let ask = Writer::new(Class::Request, Method::Allocate, [1; 12])
        .put(attribute::USERNAME, ann.credentials.user.as_bytes())
        .put(attribute::REALM, b"elsewhere")
        .put(attribute::NONCE, ann.nonce.as_bytes())
        .close(Some(&Key::new([1; 16])));
    assert_eq!(town.give(ann.at, &ask), [(ann.at, Told::Refused(401))]);
}

#[test]
fn addresses_of_the_machine_that_nobody_was_told_are_not_sent_to() {
    let mut town = Town::new(|_| {});
    town.server.set_own(vec![IpAddr::from(NODE), IpAddr::from([8, 8, 4, 4])]);
    let ann = town.caller(&ANN, "1.1.1.1:5000");
    town.opens(&ann);
    town.permits(&ann, "8.8.4.4:0");
    town.permits(&ann, "9.9.9.9:0");
    town.sends(&ann, "8.8.4.4:49170", b"GET /metrics");
    assert_eq!(town.arrived, []);
}
