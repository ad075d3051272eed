//! What can be said on the command line, with examples.

pub(crate) mod groups;
pub(crate) mod rooms;

use std::path::PathBuf;

use clap::Args as ClapArgs;
use clap::Parser;
use clap::Subcommand;

use self::groups::GroupTask;

const EXAMPLES: &str = "\
Examples:
  kith-node init Ann                     make an account
  kith-node invite                       print a link (and QR code) for one friend
  kith-node add 'kith:AQ…'               ask the maker of a link to become a contact
  kith-node add kith1…                   ask whoever has this address
  kith-node send Bob 'on my way'         send and wait until it is there, or kept for them
  kith-node chat Bob                     talk
  kith-node group create Hiking Bob      make a group; chat, send and log take its name as well
  kith-node run                          stay online, serve DIR/rpc.sock
  kith-node --data /tmp/bot rpc          JSON-RPC on standard input and output";

const ADD_EXAMPLES: &str = "\
Examples:
  kith-node add 'kith:AQ…'                        by a link, which admits you
  kith-node add kith1… -m 'Jo, from the wall'     by an address, as anybody may: they see that you are a stranger
  kith-node add kith1… --wait 0                   do not stay: the request goes when this node is online

By an address it takes this computer some seconds of work. They need not be there, if they were within two days.";

const KNOCKS_EXAMPLES: &str = "\
Examples:
  kith-node knocks          whether strangers may ask, and your address to give to them
  kith-node knocks off      only those who have a link from you
  kith-node knocks on       whoever knows your address; they can also find out which device and mailboxes are yours
  kith-node remove kith1…   decline a request: that stranger is not heard again

At most 50 strangers wait for your answer; the requests of others stay in your mailboxes.";

const MAILBOX_EXAMPLES: &str = "\
Examples:
  kith-node mailboxes list                           which keep your mail, and whether they can be reached
  kith-node mailboxes add /ip4/…/p2p/12D3KooW…       use this one, whatever else is found
  kith-node mailboxes remove 12D3KooW…               not this one any more
  kith-node mailboxes help-others on --size 2GiB     keep sealed mail for your contacts
  kith-node mailboxes help-others on --who anybody   and for people you do not know
  kith-node mailboxes help-others                    how much is kept now
  kith-node mailboxes help-others off                take nothing new; what is there is still given out";

/// A node of Kith, the messenger without servers.
#[derive(Debug, Parser)]
#[command(name = "kith-node", version, about, after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) task: Task,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Common {
    /// The data folder [default: kith in your data folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Where to listen, like /ip4/0.0.0.0/tcp/0 (repeatable) [default: TCP and QUIC everywhere]
    #[arg(long, global = true, value_name = "MULTIADDR")]
    pub(crate) listen: Vec<String>,
    /// A bootstrap node for this run, /ip4/…/p2p/… (repeatable)
    #[arg(long, global = true, value_name = "MULTIADDR")]
    pub(crate) bootstrap: Vec<String>,
    /// Calls use the addresses of this machine alone; for tests
    #[arg(long, global = true, hide = true)]
    pub(crate) calls_on_loopback: bool,
    /// Members up to whose number a group is a small one; for tests
    #[arg(long, global = true, value_name = "NUMBER", hide = true)]
    pub(crate) direct_members: Option<usize>,
    /// Do not look for contacts on the local network
    #[arg(long, global = true)]
    pub(crate) no_mdns: bool,
    /// Do not ask the home router for a port
    #[arg(long, global = true)]
    pub(crate) no_upnp: bool,
    /// What to log to standard error, like kith_engine=debug
    #[arg(long, global = true, value_name = "FILTER")]
    pub(crate) log: Option<String>,
    /// Read the passphrase from the first line of a file
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Append every input to a file, for replay; it will hold all messages in the clear
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub(crate) record: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Make an account
    Init {
        /// The name that contacts see
        name: String,
        /// Ask for a passphrase that locks the data folder
        #[arg(long)]
        passphrase: bool,
        /// Bring an account back: ask for its 24 words (standard input if it is no terminal)
        #[arg(long)]
        recover: bool,
    },
    /// Show the account, the addresses and the connections
    Status,
    /// Say what is known about the connection, and what to do where something is wrong
    Doctor {
        /// Write a report to pass on instead, which names nobody
        #[arg(long, value_name = "FILE")]
        report: Option<PathBuf>,
    },
    /// Say what became of a message: what was tried, which mailboxes promised to keep it until when, and what is tried next
    Trace {
        /// The message's name, as “send” prints it
        message: String,
    },
    /// Say which members of a small group have an own message, and which have read it
    Receipts {
        /// The message's name, as “send” prints it
        message: String,
    },
    /// Change the name or status line
    Profile {
        /// The new name
        #[arg(long)]
        name: Option<String>,
        /// The new status line
        #[arg(long)]
        status: Option<String>,
    },
    /// Print a link and QR code that let somebody ask to become a contact
    Invite {
        /// How many people may use it
        #[arg(long, default_value_t = 1)]
        uses: u32,
        /// For how many hours it is valid
        #[arg(long, default_value_t = 168)]
        hours: u64,
        /// Stay online until somebody has used it
        #[arg(long)]
        wait: bool,
    },
    /// Ask the maker of a link, or whoever has an address, to become a contact
    #[command(after_help = ADD_EXAMPLES)]
    Add {
        /// The link, kith:…, or the address, kith1…
        link: String,
        /// A few words to go with it
        #[arg(short, long, default_value = "")]
        message: String,
        /// Seconds to stay online until the request is accepted
        #[arg(long, default_value_t = 30)]
        wait: u64,
    },
    /// Say whether strangers who know only your address may ask to be added; without an argument, show it
    #[command(after_help = KNOCKS_EXAMPLES)]
    Knocks {
        /// Whether they may
        allowed: Option<Switch>,
    },
    /// List the contacts
    Contacts,
    /// Accept a contact request
    Accept {
        /// A name, or an address kith1…
        contact: String,
    },
    /// Take nothing from a contact any more
    Block {
        /// A name, or an address kith1…
        contact: String,
    },
    /// Take back a block
    Unblock {
        /// A name, or an address kith1…
        contact: String,
    },
    /// Forget a contact and the chat with it
    Remove {
        /// A name, or an address kith1…
        contact: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Show the safety number to compare with a contact
    Verify {
        /// A name, or an address kith1…
        contact: String,
        /// Note that the numbers matched
        #[arg(long)]
        matched: bool,
    },
    /// Send a message and wait until it is delivered, or all of their mailboxes have it
    Send {
        /// A contact's name or address kith1…, or a group's name or id
        chat: String,
        /// What to say; standard input if left out
        text: Option<String>,
        /// In a group: call somebody by name (repeatable)
        #[arg(long, value_name = "MEMBER")]
        mention: Vec<String>,
        /// In a group: call everybody
        #[arg(long)]
        everybody: bool,
        /// Seconds to wait for the delivery
        #[arg(long, default_value_t = 30)]
        wait: u64,
    },
    /// Print the last messages of a chat
    Log {
        /// A contact's name or address kith1…, or a group's name or id
        chat: String,
        /// How many
        #[arg(short = 'n', long, default_value_t = 50)]
        limit: u64,
        /// Print the messages' names as well
        #[arg(long)]
        ids: bool,
    },
    /// Talk: lines you type are sent, what comes is shown; end with Ctrl+D
    Chat {
        /// A contact's name or address kith1…, or a group's name or id
        chat: String,
    },
    /// Call somebody, or begin a call in a group or come into it, and stay until it is over
    Call {
        /// A contact's name or address kith1…, or a group's name or id
        chat: String,
        #[command(flatten)]
        talk: Talk,
    },
    /// Wait until somebody calls, answer, and stay until it is over
    Answer {
        #[command(flatten)]
        talk: Talk,
        /// Seconds to wait for a call
        #[arg(long, default_value_t = 3_600)]
        wait: u64,
    },
    /// Print the calls that are over, or say with which devices and how calls are made
    Calls {
        #[command(subcommand)]
        task: Option<CallsTask>,
    },
    /// Make groups and manage them
    #[command(after_help = groups::EXAMPLES)]
    Group {
        #[command(subcommand)]
        task: GroupTask,
    },
    /// Find public rooms in directories, and list them there
    #[command(after_help = rooms::EXAMPLES)]
    Rooms {
        #[command(subcommand)]
        task: rooms::RoomsTask,
    },
    /// Say which words you do not want to read; messages that have one are hidden, not deleted
    Filters {
        #[command(subcommand)]
        task: rooms::FiltersTask,
    },
    /// Give the list of those whom you blocked to others, or use theirs
    Blocks {
        #[command(subcommand)]
        task: rooms::BlocksTask,
    },
    /// Manage bootstrap nodes
    Bootstrap {
        #[command(subcommand)]
        task: BootstrapTask,
    },
    /// Manage the mailboxes that keep what comes while you are away, and keep mail for others
    #[command(after_help = MAILBOX_EXAMPLES)]
    Mailboxes {
        #[command(subcommand)]
        task: MailboxTask,
    },
    /// Stay online and serve DIR/rpc.sock until stopped
    Run {
        /// Serve the API over WebSocket as well, at an address of this machine alone; port 0 for any that is free. Whoever connects
        /// shows the token in DIR/rpc.token: ws://ADDRESS/?access_token=TOKEN
        #[arg(long, value_name = "ADDRESS")]
        websocket: Option<std::net::SocketAddr>,
    },
    /// Serve JSON-RPC 2.0 on standard input and output, one object a line
    Rpc,
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Talk {
    /// Show the camera, too
    #[arg(long)]
    pub(crate) video: bool,
    /// Hang up after so many seconds
    #[arg(long)]
    pub(crate) seconds: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CallsTask {
    /// List the devices and choose among them
    Devices {
        /// default, device:…, silence, tone:HERTZ, wav:PATH
        #[arg(long)]
        microphone: Option<String>,
        /// default, device:…, none, wav:PATH
        #[arg(long)]
        speaker: Option<String>,
        /// none, pattern:WIDTHxHEIGHT, file:PATH
        #[arg(long)]
        camera: Option<String>,
        /// none, pattern:WIDTHxHEIGHT, file:PATH
        #[arg(long)]
        screen: Option<String>,
        /// A file for the pictures of others, /…/NAME.y4m; empty for none
        #[arg(long)]
        recording: Option<String>,
    },
    /// Say from whom the own address is hidden in calls, by using relays alone
    HideAddress {
        /// Left out: say how it is
        from: Option<HideArg>,
    },
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum HideArg {
    /// From nobody
    Nobody,
    /// From people whose safety number you did not compare
    Unverified,
    /// From everybody
    Everybody,
}

impl HideArg {
    /// The word of the API.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Unverified => "unverified",
            Self::Everybody => "everybody",
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum MailboxTask {
    /// List the own mailboxes and how they are
    List,
    /// Use a node as a mailbox and keep to it
    Add {
        /// Where it answers, /ip4/…/p2p/…
        address: String,
        /// The word that whoever runs it gave you
        #[arg(long)]
        voucher: Option<String>,
    },
    /// Do not use a mailbox any more
    Remove {
        /// Its address, or the 12D3KooW… at the end of it
        mailbox: String,
    },
    /// Keep sealed mail for others on this device, or say how much is kept
    HelpOthers {
        /// Left out: say how it is
        switch: Option<Switch>,
        /// How much at most, like 512MiB or 2GiB [default: 1GiB, or as said before]
        #[arg(long, value_name = "SIZE", value_parser = size)]
        size: Option<u64>,
        /// For whom [default: contacts, or as said before]
        #[arg(long, value_name = "WHO")]
        who: Option<WhoArg>,
        /// How many inboxes at most; a person has two at a time [default: 1000, or as said before]
        #[arg(long, value_name = "NUMBER")]
        inboxes: Option<u32>,
    },
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum WhoArg {
    /// The devices of your contacts
    Contacts,
    /// Anybody, for some work
    Anybody,
}

/// Reads a size like 512MiB, 2GiB or 1073741824.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        _ => return Err("write a size like 512MiB or 2GiB".to_owned()),
    };
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    bytes.ok_or_else(|| "write a size like 512MiB or 2GiB".to_owned())
}

#[derive(Debug, Subcommand)]
pub(crate) enum BootstrapTask {
    /// Remember a node
    Add {
        /// The line it printed, /ip4/…/p2p/…
        address: String,
    },
    /// Forget a node
    Remove {
        /// As listed
        address: String,
    },
    /// List the nodes
    List,
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!(size("512MiB"), Ok(512 << 20));
        assert_eq!(size("2 gib"), Ok(2 << 30));
        assert_eq!(size("1073741824"), Ok(1 << 30));
        for wrong in ["", "GiB", "1 parsec", "99999999999999999999", "99999999999TiB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
