//! Whether this node can be reached from outside: other community nodes are asked to try (AutoNAT v2). The node itself
//! must not run meanwhile, since its ports are listened at from here, under a key of the moment.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::ToSocketAddrs as _;
use std::time::Duration;

use anyhow::Result;
use kith_net::EventReceiver;
use kith_net::Net;
use kith_net::NetCommand;
use kith_net::NetConfig;
use kith_net::NetEvent;
use kith_net::Role;
use kith_net::Services;
use kith_net::address;
use kith_net::address::Reach;
use kith_net::config::Listen;
use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use tokio::time::Instant;
use tokio::time::timeout;
use tokio::time::timeout_at;
use zeroize::Zeroizing;

use super::Finding;
use crate::config::Config;

const ABOUT: &str = "outside";

/// How long the system may take to open the ports, and then to name the addresses behind 0.0.0.0.
const LISTEN_WITHIN: Duration = Duration::from_secs(5);
const NAMED_WITHIN: Duration = Duration::from_millis(300);

/// How long another node may take to answer.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// How long all tests may take: they begin after five seconds, each may take five, and one that got lost is not repeated.
const TEST_WITHIN: Duration = Duration::from_secs(18);

/// Tests that a node makes for one address at once.
const TESTS_PER_NODE: usize = 6;

/// Asks, and says what came of it.
pub(super) fn look(
    config: &Config,
    via: &[String],
    is_running: bool,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let mut nodes = Vec::new();
    for text in config.bootstrap.iter().chain(via) {
        match address::parse_node(text) {
            Ok(node) => nodes.push(node),
            Err(error) => {
                findings.push(Finding::error(
                    ABOUT,
                    error.to_string(),
                    "copy the line that the other node printed",
                ));
                return Ok(());
            }
        }
    }
    if nodes.is_empty() {
        findings.push(Finding::warning(
            ABOUT,
            "not tested: no other node is known",
            "name one that somebody else runs, --via /ip4/…/p2p/…",
        ));
        return Ok(());
    }
    if is_running {
        findings.push(Finding::warning(
            ABOUT,
            "not tested: the node runs and has the ports",
            "stop it and check again",
        ));
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    findings.extend(runtime.block_on(ask(config, &nodes))?);
    Ok(())
}

async fn ask(config: &Config, nodes: &[DeviceAddress]) -> Result<Vec<Finding>> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut_slice()).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let mut settings = NetConfig::new(seed, Role::User);
    let (browsers, listen): (Vec<_>, Vec<_>) = config.listen.iter().partition(|at| is_for_browsers(at));
    settings.listen =
        listen.iter().map(|address| Listen { address: (*address).clone(), remembered: None }).collect();
    (settings.mdns, settings.upnp) = (false, false);
    settings.services = Services { dht: false, relay: false, autonat: false };
    settings.limits.relays = 0;
    let (net, mut events) = Net::start(settings, &tokio::runtime::Handle::current())?;
    let listening = listening(&mut events, listen.len()).await;
    let mut findings = Vec::new();
    let addresses = candidates(config, &listening, nodes, &mut findings);
    if !addresses.is_empty() {
        test(&net, &mut events, nodes, &addresses, &mut findings).await?;
    } else if findings.is_empty() {
        findings.push(Finding::error(
            ABOUT,
            "not tested: this machine has no address that the other nodes could reach",
            "forward the ports on the router, and name its addresses in “external”",
        ));
    }
    findings.extend(browsers.iter().map(|address| {
        let says = format!("{address} was not tested: only browsers can dial it");
        Finding::warning(ABOUT, says, "look whether its UDP port is open, or try it with a browser")
    }));
    events.shut_down().await?;
    Ok(findings)
}

/// The addresses that are listened at.
async fn listening(events: &mut EventReceiver, listeners: usize) -> Vec<Multiaddress> {
    let (mut heard, mut addresses) = (BTreeSet::new(), Vec::new());
    let (end, mut failed) = (Instant::now() + LISTEN_WITHIN, 0);
    loop {
        let is_complete = heard.len() + failed >= listeners;
        let until = if is_complete { end.min(Instant::now() + NAMED_WITHIN) } else { end };
        match timeout_at(until, events.next()).await {
            Ok(Some(NetEvent::Listening { listener: Some(listener), address })) => {
                heard.insert(listener);
                addresses.push(address);
            }
            Ok(Some(NetEvent::ListenFailed { .. })) => failed += 1,
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return addresses,
        }
    }
}

/// What is tested: the addresses that this node would tell, as far as the others could reach them at all.
fn candidates(
    config: &Config,
    listening: &[Multiaddress],
    nodes: &[DeviceAddress],
    findings: &mut Vec<Finding>,
) -> Vec<Multiaddress> {
    let reaches: Vec<Reach> = nodes.iter().map(|node| address::reach(&node.address)).collect();
    let can_be_tried = |address: &Multiaddress| {
        let reach = address::reach(address);
        reach == Reach::Global || reaches.contains(&reach)
    };
    let mut wanted = Vec::new();
    if config.external.is_empty() {
        wanted.extend(listening.iter().filter(|address| can_be_tried(address)).cloned());
        // What a node tests is counted: this machine's own addresses are tested only when there are no others.
        if wanted.iter().any(|at| address::reach(at) != Reach::Loopback) {
            wanted.retain(|at| address::reach(at) != Reach::Loopback);
        }
    }
    for text in config.external.iter().filter(|text| !is_for_browsers(text)) {
        match address::parse(&numbered(text)) {
            Ok((address, _)) if can_be_tried(&address) => wanted.push(address),
            _ => findings.push(Finding::error(
                ABOUT,
                format!("{text} leads nowhere that people could reach"),
                "name a public address, or a name that has one",
            )),
        }
    }
    let most = TESTS_PER_NODE * nodes.len();
    for left_out in wanted.iter().skip(most) {
        let says =
            format!("{} was not tested: too many addresses for so few nodes", address::text(left_out, None));
        findings.push(Finding::warning(ABOUT, says, "name more nodes with --via"));
    }
    wanted.truncate(most);
    wanted
}

/// Whether an address is one that other nodes cannot dial.
fn is_for_browsers(address: &str) -> bool {
    address.split('/').any(|part| part == "webrtc-direct")
}

/// An address with the number in place of a name: others dial no names for strangers.
fn numbered(text: &str) -> String {
    let parts: Vec<&str> = text.split('/').collect();
    let ["", kind @ ("dns" | "dns4" | "dns6"), name, rest @ ..] = parts.as_slice() else {
        return text.to_owned();
    };
    let found = (*name, 0).to_socket_addrs().into_iter().flatten().map(|found| found.ip());
    let mut fitting = found.filter(|ip| match *kind {
        "dns4" => ip.is_ipv4(),
        "dns6" => ip.is_ipv6(),
        _ => true,
    });
    match fitting.next() {
        Some(ip) => format!("/{}/{ip}/{}", if ip.is_ipv4() { "ip4" } else { "ip6" }, rest.join("/")),
        None => text.to_owned(),
    }
}

async fn test(
    net: &Net,
    events: &mut EventReceiver,
    nodes: &[DeviceAddress],
    addresses: &[Multiaddress],
    findings: &mut Vec<Finding>,
) -> Result<()> {
    net.command(NetCommand::TestAddresses { addresses: addresses.to_vec() })?;
    for node in nodes {
        net.command(NetCommand::AddBootstrap { node: node.clone() })?;
    }
    let connected = async {
        while let Some(event) = events.next().await {
            if matches!(event, NetEvent::BootstrapConnected { .. }) {
                return true;
            }
        }
        false
    };
    if !timeout(CONNECT_WITHIN, connected).await.unwrap_or(false) {
        let action = "check this machine's own connection, or name another node with --via";
        findings.push(Finding::error(ABOUT, "not tested: none of the other nodes answers", action));
        return Ok(());
    }
    let results = results(events, addresses).await;
    for address in addresses {
        let text = address::text(address, None);
        findings.push(match results.get(address.as_bytes()) {
            Some(true) => Finding::good(ABOUT, format!("{text} was reached by another node")),
            Some(false) => Finding::error(ABOUT, format!("{text} was not reached"), open(&text)),
            None => Finding::warning(
                ABOUT,
                format!("{text} was not tested: the other nodes did not say"),
                "they may not test for others, or have done so too often for you: try again in ten minutes",
            ),
        });
    }
    Ok(())
}

/// What the tests came to, by address.
async fn results(events: &mut EventReceiver, addresses: &[Multiaddress]) -> BTreeMap<Vec<u8>, bool> {
    let (end, mut results) = (Instant::now() + TEST_WITHIN, BTreeMap::new());
    let is_missing = |results: &BTreeMap<Vec<u8>, bool>| {
        addresses.iter().any(|address| !results.contains_key(address.as_bytes()))
    };
    while is_missing(&results)
        && let Ok(Some(event)) = timeout_at(end, events.next()).await
    {
        if let NetEvent::Tested { address, reached } = event {
            results.insert(address.as_bytes().to_vec(), reached);
        }
    }
    results
}

/// What to do about an address that was not reached.
fn open(text: &str) -> String {
    let parts: Vec<&str> = text.split('/').collect();
    match parts.as_slice() {
        ["", _, _, kind @ ("tcp" | "udp"), port, ..] => {
            format!(
                "let {} port {port} through the firewall, and forward it on the router",
                kind.to_uppercase()
            )
        }
        _ => "let it through the firewall, and forward it on the router".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    fn some(text: &str) -> Multiaddress {
        address::parse(text).unwrap().0
    }

    fn node(text: &str) -> DeviceAddress {
        DeviceAddress { device: kith_proto::id::DeviceId([9; 32]), address: some(text) }
    }

    #[test]
    fn without_another_node_it_says_how_to_test() {
        let mut findings = Vec::new();
        look(&Config::default(), &[], false, &mut findings).unwrap();
        assert!(
            findings[0].level == Level::Warning && findings[0].action.as_ref().unwrap().contains("--via")
        );
        findings.clear();
        look(&Config::default(), &["/ip4/192.0.2.1/tcp/1".to_owned()], false, &mut findings).unwrap();
        assert_eq!(findings[0].level, Level::Error, "it does not say who answers there");
    }

    #[test]
    fn only_addresses_that_the_others_could_reach_are_tested() {
        let listening =
            ["/ip4/127.0.0.1/tcp/1", "/ip4/192.168.1.5/tcp/1", "/ip4/198.51.100.7/tcp/1"].map(some);
        let mut findings = Vec::new();
        let mut chosen = |node: DeviceAddress| {
            candidates(&Config::default(), &listening, &[node], &mut findings)
                .iter()
                .map(|address| address::text(address, None))
                .collect::<Vec<_>>()
        };
        assert_eq!(chosen(node("/ip4/203.0.113.1/tcp/1")), ["/ip4/198.51.100.7/tcp/1"]);
        assert_eq!(chosen(node("/ip4/127.0.0.1/tcp/2")), ["/ip4/198.51.100.7/tcp/1"], "not this machine");
        assert!(findings.is_empty());
        let private = Config { external: vec!["/ip4/10.0.0.1/tcp/1".to_owned()], ..Config::default() };
        assert!(
            candidates(&private, &listening, &[node("/ip4/203.0.113.1/tcp/1")], &mut findings).is_empty()
        );
        assert_eq!(findings.len(), 1);
        let many = vec![some("/ip4/198.51.100.7/tcp/1"); 8];
        findings.clear();
        assert_eq!(
            candidates(&Config::default(), &many, &[node("/ip4/203.0.113.1/tcp/1")], &mut findings).len(),
            6
        );
        assert_eq!(findings.len(), 2);
    }

    #[test]
    fn names_become_numbers_and_what_to_do_names_the_port() {
        assert_eq!(numbered("/dns4/localhost/tcp/5"), "/ip4/127.0.0.1/tcp/5");
        assert_eq!(numbered("/ip4/192.0.2.1/tcp/5"), "/ip4/192.0.2.1/tcp/5");
        assert!(open("/ip4/192.0.2.1/udp/4001/quic-v1").contains("UDP port 4001"));
    }
}
