//! What there is to show about this node: one picture, taken when somebody looks. It names nobody: no device but this
//! node's own, no address but those that it tells people itself.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use kith_host::Numbers;
use kith_net::Net;
use kith_net::Stats;
use tokio::sync::watch;

use crate::config::Config;
use crate::system::Usage;

/// From this share on, something is said to be nearly full.
const NEARLY_FULL_PERCENT: u64 = 90;

/// So many refusals by the shares of networks are no mistake of one household.
const MANY_REFUSED: u64 = 1_000;

/// What a mailbox of the smallest envelopes takes on the disk, in relation to what it is charged: the store keeps keys,
/// indexes and half-full pages. Measured with `benches/load.rs`; larger envelopes take less.
pub(crate) const DISK_PERCENT: u64 = 330;

/// What the node's own loop tells whoever looks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    /// The settings that run.
    pub(crate) config: Config,
    /// Where this node is, as people paste it.
    pub(crate) addresses: Vec<Shown>,
    /// Addresses that cannot be listened at.
    pub(crate) failed: Vec<String>,
    /// Why the settings file was refused when it was read last.
    pub(crate) settings_refused: Option<String>,
    /// What was read but holds from the next start on.
    pub(crate) at_next_start: Vec<&'static str>,
    /// The mailbox gives out what it has, takes nothing new, and will be gone.
    pub(crate) closing: bool,
}

impl Told {
    /// Why this node is of no use to anybody now; `None` when it is well.
    pub(crate) fn ailment(&self) -> Option<&'static str> {
        self.addresses.is_empty().then_some(
            "This node listens nowhere, so nobody can reach it. Its log says which ports are taken; “kith-bootstrap check” \
             looks at each.",
        )
    }
}

/// One address to give to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) text: String,
    /// Whether it leads here from anywhere, as far as it looks.
    pub(crate) is_public: bool,
}

/// Everything that somebody who looks may see; clones look at the same node.
#[derive(Clone)]
pub(crate) struct Board {
    pub(crate) since: Instant,
    pub(crate) data: PathBuf,
    pub(crate) net: Net,
    pub(crate) mailbox: Option<watch::Receiver<Numbers>>,
    /// Streams to the mailbox that were refused because it was too far behind.
    pub(crate) mailbox_refused: Arc<AtomicU64>,
    /// What passes through for calls.
    pub(crate) turn: Option<watch::Receiver<kith_turn::Stats>>,
    pub(crate) told: watch::Receiver<Told>,
}

impl Board {
    /// How things are now.
    pub(crate) fn look(&self) -> Picture {
        Picture {
            uptime: self.since.elapsed(),
            told: self.told.borrow().clone(),
            net: self.net.stats(),
            mailbox: self.mailbox.as_ref().map(|numbers| *numbers.borrow()),
            mailbox_refused: self.mailbox_refused.load(Ordering::Relaxed),
            turn: self.turn.as_ref().map(|numbers| *numbers.borrow()),
            usage: Usage::of(&self.data),
        }
    }
}

/// How things are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Picture {
    pub(crate) uptime: Duration,
    pub(crate) told: Told,
    pub(crate) net: Stats,
    pub(crate) mailbox: Option<Numbers>,
    pub(crate) mailbox_refused: u64,
    pub(crate) turn: Option<kith_turn::Stats>,
    pub(crate) usage: Usage,
}

impl Picture {
    /// Connections now, over all transports.
    pub(crate) fn connections(&self) -> u64 {
        let net = &self.net;
        net.open_tcp + net.open_quic + net.open_websocket + net.open_webrtc + net.open_relayed
    }

    /// How full things are: what, how much, how much there may be.
    pub(crate) fn fullness(&self) -> Vec<(&'static str, u64, u64)> {
        let config = &self.told.config;
        let mut all = vec![("connections", self.connections(), u64::from(config.limits.connections))];
        if let (Some(open), Some(most)) = (self.usage.open_files, self.usage.open_files_most) {
            all.push(("open files", open, most));
        }
        if config.roles.dht {
            all.push(("records", self.net.records, config.limits.records as u64));
        }
        if config.roles.relay {
            all.push(("relay reservations", self.net.reservations, config.relay.reservations as u64));
            all.push(("relayed connections", self.net.circuits, config.relay.circuits as u64));
        }
        if let Some(turn) = &self.turn {
            all.push(("addresses for calls", turn.open as u64, config.turn.addresses as u64));
        }
        if let Some(mailbox) = &self.mailbox {
            all.push(("inboxes", u64::from(mailbox.held.inboxes), u64::from(config.mailbox.inboxes)));
            all.push(("mailbox streams", u64::from(mailbox.held.streams), u64::from(config.mailbox.streams)));
            all.push(("mailbox bytes", mailbox.held.bytes, config.mailbox.capacity_bytes));
        }
        all
    }

    /// Whether limits that hold only against a flood have held often since the start.
    fn is_squeezed(&self) -> bool {
        let net = &self.net;
        let refused = [
            net.refused_address,
            net.refused_network,
            net.refused_rate,
            net.records_over_share,
            net.records_gave_way,
        ];
        refused.iter().any(|count| *count >= MANY_REFUSED)
    }

    /// What whoever runs this node should look at, each with what to do.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let told = &self.told;
        let mut warnings = Vec::new();
        if let Some(why) = told.ailment() {
            warnings.push(why.to_owned());
        } else if !told.addresses.iter().any(|address| address.is_public) {
            warnings.push(
                "No address of this node is public: people elsewhere cannot use it. Forward its ports, name the public \
                 addresses in “external”, and try “kith-bootstrap check”."
                    .to_owned(),
            );
        }
        warnings.extend(told.failed.iter().map(|address| {
            format!(
                "It cannot listen at {address}: free the port or choose another address, then start again."
            )
        }));
        if told.closing {
            let waiting = self.mailbox.as_ref().map_or(0, |mailbox| mailbox.held.envelopes);
            warnings.push(format!(
                "The mailbox is closing: {waiting} sealed messages wait to be fetched. Leave this node on until this line is gone, 14 days at the latest."
            ));
        }
        if let Some(why) = &told.settings_refused {
            warnings.push(format!("The settings file was refused, the old settings go on: {why}"));
        }
        if !told.at_next_start.is_empty() {
            let names = told.at_next_start.join(", ");
            warnings.push(format!("These settings were changed and hold from the next start on: {names}."));
        }
        let full = self.fullness().into_iter().filter(|(_, used, most)| is_nearly_full(*used, *most));
        // Under attack more room only costs more.
        let advice = if self.is_squeezed() {
            "Many were refused, so somebody may be filling it: block the networks they come from (OPERATING, abuse) \
             before you raise the limit."
        } else {
            "Raise the limit, or send some people to another node."
        };
        warnings
            .extend(full.map(|(what, used, most)| format!("Nearly full: {used} of {most} {what}. {advice}")));
        if self.mailbox.is_some_and(|mailbox| mailbox.is_short) {
            warnings.push(
                "The disk is nearly full, so the mailbox takes nothing new: make room on it. Reading and deleting go on."
                    .to_owned(),
            );
        } else if let (Some(free), Some(mailbox)) = (self.usage.disk_free_bytes, &self.mailbox) {
            let to_come = on_disk(told.config.mailbox.capacity_bytes.saturating_sub(mailbox.held.bytes));
            if free < to_come {
                warnings.push(format!(
                    "The disk has {} left, and the mailbox may take {} more: make room or lower capacity_bytes.",
                    size(free),
                    size(to_come)
                ));
            }
        }
        warnings
    }
}

fn is_nearly_full(used: u64, most: u64) -> bool {
    used.saturating_mul(100) >= most.saturating_mul(NEARLY_FULL_PERCENT) && most > 0
}

/// What so many bytes of the mailbox may take on the disk.
pub(crate) fn on_disk(charged: u64) -> u64 {
    (charged / 100).saturating_mul(DISK_PERCENT)
}

/// Bytes as people read them.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut shown = format!("{bytes} bytes");
    let mut tenths = bytes.saturating_mul(10);
    for unit in UNITS {
        if tenths < 10 * 1_024 {
            break;
        }
        tenths /= 1_024;
        shown = format!("{}.{} {unit}", tenths / 10, tenths % 10);
    }
    shown
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A node that is well.
    pub(crate) fn picture() -> Picture {
        let text = "/ip4/198.51.100.7/tcp/4001/p2p/12D3KooWExample".to_owned();
        let told = Told {
            config: Config::default(),
            addresses: vec![Shown { text, is_public: true }],
            failed: Vec::new(),
            settings_refused: None,
            at_next_start: Vec::new(),
            closing: false,
        };
        let net = Stats { open_tcp: 3, open_quic: 4, refused_rate: 5, records: 6, ..Stats::default() };
        let usage = Usage {
            resident_bytes: Some(50 << 20),
            open_files: Some(40),
            open_files_most: Some(65_536),
            disk_free_bytes: Some(100 << 30),
        };
        let uptime = Duration::from_secs(93_784);
        Picture {
            uptime,
            told,
            net,
            mailbox: Some(Numbers::default()),
            mailbox_refused: 0,
            turn: None,
            usage,
        }
    }

    #[test]
    fn a_node_that_is_well_has_nothing_to_say() {
        assert_eq!(picture().warnings(), Vec::<String>::new());
        assert_eq!(picture().told.ailment(), None);
        assert_eq!(picture().connections(), 7);
    }

    #[test]
    fn each_trouble_is_one_sentence_with_one_thing_to_do() {
        let said = |change: fn(&mut Picture)| {
            let mut picture = picture();
            change(&mut picture);
            let warnings = picture.warnings();
            assert_eq!(warnings.len(), 1, "{warnings:?}");
            warnings.concat()
        };
        assert!(said(|picture| picture.told.addresses.clear()).contains("listens nowhere"));
        let private = said(|picture| picture.told.addresses.iter_mut().for_each(|one| one.is_public = false));
        assert!(private.contains("external"));
        assert!(said(|picture| picture.told.failed.push("/ip4/0.0.0.0/tcp/1".to_owned())).contains("tcp/1"));
        assert!(
            said(|picture| picture.told.settings_refused = Some("no".to_owned())).contains("old settings")
        );
        assert!(said(|picture| picture.told.at_next_start.push("listen")).contains("listen"));
        let full = said(|picture| picture.turn = Some(kith_turn::Stats { open: 190, ..Default::default() }));
        assert!(full.contains("190 of 200 addresses for calls"), "{full}");
        assert!(said(|picture| picture.net.open_tcp = 4_496).contains("4500 of 5000 connections"));
        let flooded = said(|picture| (picture.net.records, picture.net.records_gave_way) = (99_999, 5_000));
        assert!(flooded.contains("99999 of 100000 records") && flooded.contains("block the networks"));
        let full = said(|picture| {
            picture.mailbox = Some(Numbers { is_short: true, ..Numbers::default() });
            picture.usage.disk_free_bytes = Some(1 << 20);
        });
        assert!(full.contains("takes nothing new"));
        assert!(said(|picture| picture.usage.disk_free_bytes = Some(1 << 30)).contains("1.0 GiB left"));
    }

    #[test]
    fn sizes_are_readable() {
        let shown = [0, 1_023, 1_024, 1_536, 5 << 30, u64::MAX].map(size);
        assert_eq!(shown[..5], ["0 bytes", "1023 bytes", "1.0 KiB", "1.5 KiB", "5.0 GiB"]);
        assert!(shown[5].ends_with("TiB"));
    }
}
