//! The one table of methods: it drives dispatch, `rpc.discover` and the tests, so the three cannot differ.

use kith_engine::Command;
use kith_engine::command::Answer;
use kith_engine::query;
use kith_proto::id::ContactId;
use kith_proto::time::Timestamp;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::asking::asking;
use crate::error::NodeError;
use crate::handle::AccountState;
use crate::handle::Handle;
use crate::handle::check_bootstrap;
use crate::lines::Names;
use crate::rpc::calls;
use crate::rpc::errors::RpcError;
use crate::rpc::groups;
use crate::rpc::health;
use crate::rpc::mailboxes;
use crate::rpc::media;
use crate::rpc::messages;
use crate::rpc::openrpc;
use crate::rpc::rooms;
use crate::rpc::serve::Client;
use crate::rpc::views;
use crate::time::rfc3339;

/// One method of the API.
#[derive(Debug)]
pub struct Method {
    /// Its name.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// Its parameters.
    pub params: &'static [Param],
    /// What the result holds.
    pub result: &'static str,
    pub(crate) run: Run,
}

impl Method {
    fn knows(&self, name: &str) -> bool {
        self.params.iter().any(|param| param.name == name)
    }
}

/// One parameter.
#[derive(Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// Its JSON type.
    pub kind: &'static str,
    /// Whether it must be given.
    pub required: bool,
    /// What it means.
    pub summary: &'static str,
}

/// How a method is carried out.
#[derive(Debug)]
pub(crate) enum Run {
    /// At once, on the reader's thread.
    Now(fn(&Handle, &Params<'_>) -> Result<Value, RpcError>),
    /// As `Now`, for what is about the connection itself.
    Client(fn(&Handle, &Params<'_>, &Client) -> Result<Value, RpcError>),
    /// By the engine: the command, and its answer as JSON.
    Engine(fn(&Params<'_>) -> Result<Command, RpcError>),
    /// By the engine, after a look at what is there.
    Looked(fn(&Handle, &Params<'_>) -> Result<Command, RpcError>),
    /// Stops the node after answering.
    Stop,
}

pub(crate) const fn needed(name: &'static str, kind: &'static str, summary: &'static str) -> Param {
    Param { name, kind, required: true, summary }
}

pub(crate) const fn optional(name: &'static str, kind: &'static str, summary: &'static str) -> Param {
    Param { name, kind, required: false, summary }
}

pub(crate) const CONTACT: Param = needed("contact_id", "string", "The contact's address, kith1….");
pub(crate) const CHAT: Param = needed("chat_id", "string", "The chat.");

/// All methods.
pub fn all() -> impl Iterator<Item = &'static Method> {
    let others = [messages::METHODS, groups::METHODS, rooms::METHODS, calls::METHODS, media::METHODS];
    METHODS.iter().chain(others.into_iter().flatten())
}

/// Those about the account, the network, contacts, chats and the node itself.
const METHODS: &[Method] = &[
    Method {
        name: "account.create",
        summary: "Makes an account in an empty data folder, or brings one back. The recovery phrase is told this once.",
        params: &[
            needed("name", "string", "The name that contacts see, at most 64 bytes."),
            optional("passphrase", "string", "Locks the data folder."),
            optional(
                "phrase",
                "string",
                "The 24 words of an account that is to live on this device from now on.",
            ),
        ],
        result: "account_id, device_id, recovery_phrase",
        run: Run::Now(account_create),
    },
    Method {
        name: "account.unlock",
        summary: "Opens an account that is locked with a passphrase.",
        params: &[needed("passphrase", "string", "The passphrase.")],
        result: "as account.info",
        run: Run::Now(account_unlock),
    },
    Method {
        name: "account.change_passphrase",
        summary: "Changes, sets or removes the passphrase of the data folder.",
        params: &[
            optional("old", "string", "The passphrase now, if there is one."),
            optional("new", "string", "The new one; left out to remove it."),
        ],
        result: "ok",
        run: Run::Now(account_change_passphrase),
    },
    Method {
        name: "account.info",
        summary: "The own account; its state is none, locked or ready.",
        params: &[],
        result: "state, and when ready account_id, device_id, name, status",
        run: Run::Now(account_info),
    },
    Method {
        name: "account.set_profile",
        summary: "Changes the name or status line that contacts see.",
        params: &[
            optional("name", "string", "The new name, at most 64 bytes."),
            optional("status", "string", "The new status line, at most 256 bytes."),
        ],
        result: "account_id, device_id, name, status",
        run: Run::Engine(|params| {
            params.need_one_of(&["name", "status"])?;
            Ok(Command::SetProfile { name: params.text("name")?, status: params.text("status")? })
        }),
    },
    Method {
        name: "network.info",
        summary: "Where this device listens and whom it is connected to.",
        params: &[],
        result: "peer_id, listen, external, relays, peers, dht_peers, bootstraps, bootstraps_named, bootstraps_connected, nat, mailboxes",
        run: Run::Now(network_info),
    },
    Method {
        name: "network.doctor",
        summary: "What was measured about the connection, with one action for each finding; what needs doing comes first. What was not measured says so.",
        params: &[],
        result: "well, summary, findings: [{about, severity: problem, warning, unknown or good, good, fact, action}], measured: {nat, mapping, ipv6, tests, upnp, clock, dht, nodes, waiting}; names nobody but community nodes, by device_id",
        run: Run::Now(health::doctor),
    },
    Method {
        name: "network.report",
        summary: "The same as a text to pass on: no accounts, devices, names, texts, addresses or ports.",
        params: &[],
        result: "report",
        run: Run::Now(health::report),
    },
    Method {
        name: "network.add_bootstrap",
        summary: "Remembers a bootstrap node and connects to it.",
        params: &[needed("address", "string", "The line that the bootstrap node printed, /ip4/…/p2p/….")],
        result: "ok",
        run: Run::Engine(|params| {
            Ok(Command::AddBootstrap { address: check_bootstrap(&params.need("address")?)? })
        }),
    },
    Method {
        name: "network.remove_bootstrap",
        summary: "Forgets a bootstrap node.",
        params: &[needed("address", "string", "The address as network.info tells it.")],
        result: "ok",
        run: Run::Engine(|params| Ok(Command::RemoveBootstrap { address: params.need("address")? })),
    },
    Method {
        name: "network.bootstraps",
        summary: "The community nodes, those that are kept and those only named for this run, and what each does for this device.",
        params: &[],
        result: "bootstraps: [{address, kept, device_id, connected, relays, mailbox}]",
        run: Run::Now(mailboxes::bootstraps),
    },
    Method {
        name: "mailboxes.list",
        summary: "The mailboxes that keep what comes while this device is away. “network.changed” tells when one changes.",
        params: &[],
        result: "mailboxes: [{address, device_id, accepted, connected, chosen, with_voucher, refused, refusal: not_known, full, too_much, too_hard, closing or leaves_out, refusal_text, without: [contact_id of who has no place there], links_without, missing, closing, since, last_deposit_at, last_read_at, quota_left, score, away_secs}]",
        run: Run::Now(mailboxes::list),
    },
    Method {
        name: "mailboxes.add",
        summary: "Uses a node as a mailbox and keeps to it, whatever else is found. Never this device itself.",
        params: &[
            needed("address", "string", "Where it answers, /ip4/…/p2p/…."),
            optional(
                "voucher",
                "string",
                "The word that whoever runs it gave out, at most 256 bytes; kept until the mailbox is removed.",
            ),
        ],
        result: "ok",
        run: Run::Engine(mailboxes::add),
    },
    Method {
        name: "mailboxes.remove",
        summary: "Does not use a mailbox any more, nor again by itself. What it still holds is sent again by its senders.",
        params: &[
            optional("address", "string", "As listed."),
            optional("device_id", "string", "Which, instead of the address."),
        ],
        result: "ok",
        run: Run::Engine(mailboxes::remove),
    },
    Method {
        name: "mailboxes.help",
        summary: "Keeps sealed mail for others on this device, or does not any more: then what is there is given out until it is fetched or expires, and nothing new is taken.",
        params: &[
            needed("enabled", "boolean", "Whether to."),
            optional("bytes", "integer", "How much at most, from 64 MiB; 1 GiB unless said before."),
            optional("who", "string", "Whose: “contacts” or “anybody”; contacts unless said before."),
            optional("inboxes", "integer", "How many inboxes at most; 1,000 unless said before."),
        ],
        result: "as mailboxes.helping",
        run: Run::Now(mailboxes::help),
    },
    Method {
        name: "mailboxes.helping",
        summary: "How much is kept for others, for how many, and until when. Told as an event of the same name when it begins, changes or ends.",
        params: &[],
        result: "enabled, closing, capacity_bytes, capacity_inboxes, who, since, inboxes, envelopes, bytes, until, problem, addresses",
        run: Run::Now(mailboxes::helping),
    },
    Method {
        name: "contacts.invite",
        summary: "Makes a link that lets others ask to become a contact.",
        params: &[
            optional("uses", "integer", "How many people may use it; 1 if left out."),
            optional("expires_secs", "integer", "For how long it is valid; 7 days if left out."),
        ],
        result: "link, invite_id, expires_at",
        run: Run::Engine(|params| {
            let uses = params.number("uses")?.map(|uses| u32::try_from(uses).unwrap_or(u32::MAX));
            Ok(Command::CreateInvite { uses, expires_secs: params.number("expires_secs")? })
        }),
    },
    Method {
        name: "contacts.invites",
        summary: "The open invites.",
        params: &[],
        result: "invites: [{invite_id, expires_at, uses_left}]",
        run: Run::Now(contacts_invites),
    },
    Method {
        name: "contacts.revoke_invite",
        summary: "Takes an invite back.",
        params: &[needed("invite_id", "string", "Which one.")],
        result: "ok",
        run: Run::Engine(|params| Ok(Command::RevokeInvite { invite: params.id("invite_id")? })),
    },
    Method {
        name: "contacts.add",
        summary: "Asks the maker of an invite, or whoever has an address, to become a contact. By an address it \
                  takes seconds of work, and the other is told that nothing but their address was known.",
        params: &[
            needed("link", "string", "The invite, kith:…, or the address, kith1…."),
            optional("message", "string", "A few words to go with it, at most 512 bytes."),
        ],
        result: "contact_id, chat_id, name, state, verified, online",
        run: Run::Engine(|params| {
            let greeting = params.text("message")?.unwrap_or_default();
            asking(&params.need("link")?, greeting)
                .map_err(|why| RpcError::bad_params(format!("“link”: {why}")))
        }),
    },
    Method {
        name: "contacts.knocks",
        summary: "Whether strangers who know only the address may ask to become a contact.",
        params: &[],
        result: "allowed, address, waiting",
        run: Run::Now(contacts_knocks),
    },
    Method {
        name: "contacts.allow_knocks",
        summary: "Allows strangers who know only the address to ask, or does not.",
        params: &[needed("allowed", "boolean", "Whether they may.")],
        result: "ok",
        run: Run::Engine(|params| {
            let allowed = params.flag("allowed")?;
            let allowed =
                allowed.ok_or_else(|| RpcError::bad_params("the parameter “allowed” is missing"))?;
            Ok(Command::AllowKnocks { allowed })
        }),
    },
    Method {
        name: "contacts.list",
        summary: "All contacts; their state is requested, incoming, accepted or blocked.",
        params: &[],
        result: "contacts: [{contact_id, chat_id, name, status, greeting, state, stranger, by_address, verified, online, since}]",
        run: Run::Now(contacts_list),
    },
    Method {
        name: "contacts.accept",
        summary: "Accepts a contact request.",
        params: &[CONTACT],
        result: "contact_id, chat_id, name, state, verified, online",
        run: Run::Engine(|params| Ok(Command::AcceptContact { contact: params.id("contact_id")? })),
    },
    Method {
        name: "contacts.block",
        summary: "Takes nothing from a contact any more.",
        params: &[CONTACT],
        result: "contact_id, chat_id, name, state, verified, online",
        run: Run::Engine(|params| Ok(Command::BlockContact { contact: params.id("contact_id")? })),
    },
    Method {
        name: "contacts.unblock",
        summary: "Takes back a block.",
        params: &[CONTACT],
        result: "contact_id, chat_id, name, state, verified, online",
        run: Run::Engine(|params| Ok(Command::UnblockContact { contact: params.id("contact_id")? })),
    },
    Method {
        name: "contacts.remove",
        summary: "Forgets a contact and the chat with it.",
        params: &[CONTACT],
        result: "ok",
        run: Run::Engine(|params| Ok(Command::RemoveContact { contact: params.id("contact_id")? })),
    },
    Method {
        name: "contacts.safety_number",
        summary: "The sixty digits to compare with a contact.",
        params: &[CONTACT],
        result: "digits, groups",
        run: Run::Now(contacts_safety_number),
    },
    Method {
        name: "contacts.verify",
        summary: "Notes whether the safety number was compared and matched.",
        params: &[CONTACT, optional("verified", "boolean", "True if left out.")],
        result: "contact_id, chat_id, name, state, verified, online",
        run: Run::Engine(|params| {
            let verified = params.flag("verified")?.unwrap_or(true);
            Ok(Command::VerifyContact { contact: params.id("contact_id")?, verified })
        }),
    },
    Method {
        name: "chats.list",
        summary: "All chats, the most recently active first.",
        params: &[],
        result: "chats: [{chat_id, kind: direct or group, contact_id, group_id, members, role, state, name, unread, active_at, draft, last: {message_id, sender, sender_name, outgoing, kind, text, system, sent_at, state}}]; members, role and state of groups only",
        run: Run::Now(chats_list),
    },
    Method {
        name: "chats.save_draft",
        summary: "Keeps the unsent text of a chat.",
        params: &[CHAT, needed("text", "string", "The text; empty to forget it.")],
        result: "ok",
        run: Run::Engine(|params| {
            Ok(Command::SaveDraft { chat: params.id("chat_id")?, text: params.need("text")? })
        }),
    },
    Method {
        name: "node.stats",
        summary: "What the engine, the store and the network counted since the start.",
        params: &[],
        result: "engine, store, net",
        run: Run::Now(node_stats),
    },
    Method {
        name: "node.shutdown",
        summary: "Stops the node after everything is written.",
        params: &[],
        result: "ok",
        run: Run::Stop,
    },
    Method {
        name: "rpc.discover",
        summary: "This API as an OpenRPC document.",
        params: &[],
        result: "an OpenRPC 1.3 document",
        run: Run::Now(|_, _| Ok(openrpc::document())),
    },
];

/// The parameters of a request, by name: those that the method's table has, and no others.
pub(crate) struct Params<'a> {
    method: &'static Method,
    given: &'a Map<String, Value>,
}

impl<'a> Params<'a> {
    /// Refuses what the method does not know: a typing error, or something of another version, must not look as if it had been
    /// done.
    pub(crate) fn new(method: &'static Method, given: &'a Map<String, Value>) -> Result<Self, RpcError> {
        let Some(unknown) = given.keys().find(|name| !method.knows(name)) else {
            return Ok(Self { method, given });
        };
        let known: Vec<&str> = method.params.iter().map(|param| param.name).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let name = method.name;
        Err(RpcError::bad_params(format!("{name} has no parameter “{unknown}”; it knows: {known}")))
    }
}

impl Params<'_> {
    pub(crate) fn wrong(name: &str, kind: &str) -> RpcError {
        RpcError::bad_params(format!("the parameter “{name}” should be {kind}"))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        // What is read and not in the table would be refused, so nobody could ever give it.
        debug_assert!(self.method.knows(name), "{} reads “{name}”, which its table lacks", self.method.name);
        self.given.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, RpcError> {
        let wrong = || Self::wrong(name, "a text");
        self.get(name).map(|value| value.as_str().map(str::to_owned).ok_or_else(wrong)).transpose()
    }

    pub(crate) fn need(&self, name: &str) -> Result<String, RpcError> {
        self.text(name)?.ok_or_else(|| RpcError::bad_params(format!("the parameter “{name}” is missing")))
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, RpcError> {
        let wrong = || Self::wrong(name, "a whole number");
        self.get(name).map(|value| value.as_u64().ok_or_else(wrong)).transpose()
    }

    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, RpcError> {
        let wrong = || Self::wrong(name, "true or false");
        self.get(name).map(|value| value.as_bool().ok_or_else(wrong)).transpose()
    }

    pub(crate) fn id<T: std::str::FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<T, RpcError> {
        parsed(name, &self.need(name)?)
    }

    /// Ids in a list; none when it is left out.
    pub(crate) fn ids<T: std::str::FromStr<Err: std::fmt::Display>>(
        &self,
        name: &str,
    ) -> Result<Vec<T>, RpcError> {
        let wrong = || Self::wrong(name, "a list of texts");
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        let list = value.as_array().ok_or_else(wrong)?;
        list.iter().map(|value| parsed(name, value.as_str().ok_or_else(wrong)?)).collect()
    }

    /// Refuses a change that changes nothing.
    pub(crate) fn need_one_of(&self, names: &[&str]) -> Result<(), RpcError> {
        if names.iter().any(|name| self.get(name).is_some()) {
            return Ok(());
        }
        let names = names.join("”, “");
        Err(RpcError::bad_params(format!("nothing is to be changed: give one of “{names}”")))
    }

    /// A whole number that fits into 32 bits.
    pub(crate) fn small(&self, name: &str) -> Result<Option<u32>, RpcError> {
        let too_large = |_| RpcError::bad_params(format!("“{name}” is too large"));
        self.number(name)?.map(|number| u32::try_from(number).map_err(too_large)).transpose()
    }
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(name: &str, text: &str) -> Result<T, RpcError> {
    text.parse().map_err(|error: T::Err| RpcError::bad_params(format!("“{name}”: {error}")))
}

/// What a command's answer is in JSON.
pub(crate) fn answer(handle: &Handle, answer: &Answer) -> Value {
    match answer {
        Answer::Done => json!({ "ok": true }),
        Answer::Profile(view) => views::profile(view),
        Answer::Invite(invite) => {
            let expires = Timestamp(u64::from(invite.expires_secs) * 1_000);
            json!({
                "link": invite.to_string(),
                "invite_id": invite.secret.id().to_string(),
                "expires_at": rfc3339(expires),
            })
        }
        Answer::Contact(view) => views::contact(view, &handle.overview()),
        // An own message: nobody has to be looked up for it.
        Answer::Message(view) => messages::view(view, &Names::default()),
        Answer::Group(view) => groups::view(view, &handle.overview()),
        Answer::GroupLink(link) => groups::link(link),
        Answer::Call(view) => calls::call(view),
        Answer::GroupCall(view) => calls::group_call(view),
    }
}

fn account_create(handle: &Handle, params: &Params<'_>) -> Result<Value, RpcError> {
    let (passphrase, phrase) = (params.text("passphrase")?, params.text("phrase")?);
    let new = handle.create_account(&params.need("name")?, passphrase.as_deref(), phrase.as_deref())?;
    Ok(json!({
        "account_id": new.account.to_string(),
        "device_id": new.device.to_string(),
        "recovery_phrase": new.phrase.as_str(),
    }))
}

fn account_unlock(handle: &Handle, params: &Params<'_>) -> Result<Value, RpcError> {
    handle.unlock(Some(&params.need("passphrase")?))?;
    account_info(handle, params)
}

fn account_change_passphrase(handle: &Handle, params: &Params<'_>) -> Result<Value, RpcError> {
    let (old, new) = (params.text("old")?, params.text("new")?);
    handle.change_passphrase(old.as_deref(), new.as_deref())?;
    Ok(json!({ "ok": true }))
}

fn account_info(handle: &Handle, _: &Params<'_>) -> Result<Value, RpcError> {
    let state = match handle.account_state() {
        AccountState::None => "none",
        AccountState::Locked => "locked",
        AccountState::Ready => "ready",
        AccountState::Stopped => return Err(NodeError::Stopped.into()),
    };
    let mut info = match handle.account_state() {
        AccountState::Ready => handle.query(query::profile)?.map_or(json!({}), |view| views::profile(&view)),
        _ => json!({}),
    };
    if let Some(fields) = info.as_object_mut() {
        fields.insert("state".to_owned(), Value::from(state));
    }
    Ok(info)
}

fn network_info(handle: &Handle, _: &Params<'_>) -> Result<Value, RpcError> {
    let device = handle.query(query::profile)?.map(|view| view.device);
    Ok(views::network(&handle.overview().network, device.as_ref()))
}

fn contacts_invites(handle: &Handle, _: &Params<'_>) -> Result<Value, RpcError> {
    let invites = handle.query(query::invites)?;
    let list: Vec<Value> = invites
        .iter()
        .map(|view| {
            json!({
                "invite_id": view.invite.to_string(),
                "expires_at": rfc3339(view.expires),
                "uses_left": view.uses_left,
            })
        })
        .collect();
    Ok(json!({ "invites": list }))
}

fn contacts_list(handle: &Handle, _: &Params<'_>) -> Result<Value, RpcError> {
    let overview = handle.overview();
    let contacts = handle.query(query::contacts)?;
    Ok(json!({ "contacts": contacts.iter().map(|view| views::contact(view, &overview)).collect::<Vec<_>>() }))
}

fn contacts_knocks(handle: &Handle, _: &Params<'_>) -> Result<Value, RpcError> {
    let allowed = handle.query(query::allows_knocks)?;
    let own = handle.query(query::account)?.map(|account| account.to_string());
    let waiting = handle.query(query::contacts)?.iter().filter(|view| view.stranger).count();
    Ok(json!({ "allowed": allowed, "address": own, "waiting": waiting }))
}

fn contacts_safety_number(handle: &Handle, params: &Params<'_>) -> Result<Value, RpcError> {
    let contact: ContactId = params.id("contact_id")?;
    let number = handle.query(|rows| query::safety_number(rows, &contact))?;
    let number = number.ok_or(NodeError::Refused(kith_engine::command::Refusal::UnknownContact))?;
    Ok(json!({ "digits": number.digits(), "groups": number.to_string() }))
}

fn chats_list(handle: &Handle, _: &Params<'_>) -> Result<Value, RpcError> {
    let rows = handle.rows()?;
    let chats = query::chats(&rows).map_err(NodeError::from)?;
    let names = messages::names(&rows, chats.iter().flat_map(messages::people_in_chat))?;
    Ok(json!({ "chats": chats.iter().map(|view| messages::chat(view, &names)).collect::<Vec<_>>() }))
}

fn node_stats(handle: &Handle, _: &Params<'_>) -> Result<Value, RpcError> {
    let (engine, store, net) = handle.stats()?;
    Ok(json!({
        "engine": serde_json::to_value(engine).unwrap_or_default(),
        "store": { "commits": store.commits, "synced": store.synced, "writes": store.writes, "shreds": store.shreds },
        "net": {
            "connections": net.connections, "refused": net.refused, "frames_out": net.frames_out,
            "frames_in": net.frames_in, "bytes_out": net.bytes_out, "bytes_in": net.bytes_in, "wire_out": net.wire_out,
            "wire_in": net.wire_in,
            "frames_dropped": net.frames_dropped, "bad_streams": net.bad_streams,
            "streams_refused": net.streams_refused, "records_refused": net.records_refused, "bans": net.bans,
        },
    }))
}
