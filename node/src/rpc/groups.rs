//! The methods about groups. A group is named by its `group_id`, or by the `chat_id` of its chat.

use kith_crypto::operation::LinkSecret;
use kith_engine::Command;
use kith_engine::Overview;
use kith_engine::command::Refusal;
use kith_engine::query;
use kith_engine::view::GroupState;
use kith_engine::view::GroupView;
use kith_proto::group::GroupInvite;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::id::ChatId;
use kith_proto::id::GroupId;
use kith_proto::id::LinkId;
use kith_proto::time::Timestamp;
use serde_json::Value;
use serde_json::json;

use crate::clock::Clock;
use crate::error::NodeError;
use crate::handle::Handle;
use crate::lines::role_from_word;
use crate::lines::role_word;
use crate::rpc::errors::RpcError;
use crate::rpc::methods::CONTACT;
use crate::rpc::methods::Method;
use crate::rpc::methods::Param;
use crate::rpc::methods::Params;
use crate::rpc::methods::Run;
use crate::rpc::methods::needed;
use crate::rpc::methods::optional;
use crate::rpc::policy::ROLES;
use crate::rpc::policy::changed;
use crate::rpc::policy::policy;
use crate::time::rfc3339;

const GROUP: Param = optional("group_id", "string", "The group.");
const CHAT: Param = optional("chat_id", "string", "Its chat, instead of the group_id.");
const MEMBER: Param = needed("contact_id", "string", "The member's address, kith1….");
const POLICY: &str = "The rules: {invite, post, pin, mention_all, send_files, start_calls, change_profile: the lowest role that may, slow_mode_secs, history: none, last or all, history_count, retention_secs, approve_links, public, directory, observers_first}.";
const VIEW: &str = "as groups.info";

/// The most work that a link may ask for: some seconds.
const MAX_LINK_WORK: u8 = 24;

/// The methods about groups.
pub(crate) const METHODS: &[Method] = &[
    Method {
        name: "groups.create",
        summary: "Makes a group; the own account is its owner.",
        params: &[
            needed("name", "string", "What it is called, at most 256 bytes."),
            optional("members", "array", "Accepted contacts who are members from the start, as contact_id."),
            optional(
                "public",
                "boolean",
                "Whether it is a public room: anybody comes by its one link (groups.invite), newcomers see what was said, and moderators invite, unless the policy says otherwise.",
            ),
            optional("directory", "boolean", "Whether members list public rooms in it (rooms.publish)."),
            optional(
                "observers_first",
                "boolean",
                "In a public room: whether those who come only read until they are made members.",
            ),
            optional("policy", "object", POLICY),
        ],
        result: VIEW,
        run: Run::Engine(create),
    },
    Method {
        name: "groups.list",
        summary: "All groups that this account is in, was in, or asks to come into.",
        params: &[],
        result: "groups: as groups.info",
        run: Run::Now(list),
    },
    Method {
        name: "groups.info",
        summary: "A group: its members, rules, links, requests and pinned messages. “group.changed” tells the same when something changes, “group.forgotten” when it is gone.",
        params: &[GROUP, CHAT],
        result: "group_id, chat_id, name, topic, state: asking, invited, joined, left or removed, role, invited_by, members: [{contact_id, name, role, online, muted_until, since}], banned: [contact_id], links: [{link_id, made_by, role, expires_at, uses, used, approval, work_bits, link (for those whose role may invite; null in groups.list)}], pins: [message_id], requests: [{contact_id, name, link_id, since}], reports (for those who keep order): [{contact_id, message_id, author, said_at, text, reason, since}], policy, created_at, asked (whether a request to come in is with somebody, or in a mailbox)",
        run: Run::Looked(|handle, params| Ok(Command::ShowGroup { group: group_of(handle, params)? })),
    },
    Method {
        name: "groups.add",
        summary: "Adds accepted contacts, or members of another common group.",
        params: &[
            GROUP,
            CHAT,
            optional("members", "array", "Whom, as contact_id."),
            optional("contact_id", "string", "Whom, if it is one."),
            optional("role", "string", "observer, member, moderator, admin or owner; member if left out."),
        ],
        result: VIEW,
        run: Run::Looked(add),
    },
    Method {
        name: "groups.remove",
        summary: "Removes a member. What was said stays with those who have it.",
        params: &[GROUP, CHAT, MEMBER],
        result: VIEW,
        run: Run::Looked(|handle, params| {
            let group = group_of(handle, params)?;
            Ok(Command::RemoveMember { group, account: params.id("contact_id")? })
        }),
    },
    Method {
        name: "groups.accept",
        summary: "Stays in a group to which somebody who is no contact has added us.",
        params: &[GROUP, CHAT],
        result: VIEW,
        run: Run::Looked(|handle, params| Ok(Command::AcceptGroup { group: group_of(handle, params)? })),
    },
    Method {
        name: "groups.leave",
        summary: "Leaves a group, does not want to be in it, or does not ask to come in any more. Its chat stays.",
        params: &[GROUP, CHAT],
        result: "as groups.info; ok when it was only asked for",
        run: Run::Looked(|handle, params| Ok(Command::LeaveGroup { group: group_of(handle, params)? })),
    },
    Method {
        name: "groups.forget",
        summary: "Forgets a group that was left, and its chat.",
        params: &[GROUP, CHAT],
        result: "ok",
        run: Run::Looked(|handle, params| Ok(Command::ForgetGroup { group: group_of(handle, params)? })),
    },
    Method {
        name: "groups.set_role",
        summary: "Gives a member another role.",
        params: &[GROUP, CHAT, MEMBER, needed("role", "string", ROLES)],
        result: VIEW,
        run: Run::Looked(|handle, params| {
            let (group, account) = (group_of(handle, params)?, params.id("contact_id")?);
            Ok(Command::SetRole { group, account, role: role_named("role", &params.need("role")?)? })
        }),
    },
    Method {
        name: "groups.set_profile",
        summary: "Changes the name or the topic of a group; what is left out stays.",
        params: &[
            GROUP,
            CHAT,
            optional("name", "string", "The new name, at most 256 bytes."),
            optional("topic", "string", "The new topic, at most 2,048 bytes."),
        ],
        result: VIEW,
        run: Run::Looked(|handle, params| {
            params.need_one_of(&["name", "topic"])?;
            let group = group_of(handle, params)?;
            Ok(Command::SetGroupProfile { group, name: params.text("name")?, topic: params.text("topic")? })
        }),
    },
    Method {
        name: "groups.set_policy",
        summary: "Changes the rules of a group; what is left out stays as it is.",
        params: &[GROUP, CHAT, needed("policy", "object", POLICY)],
        result: VIEW,
        run: Run::Looked(set_policy),
    },
    Method {
        name: "groups.ban",
        summary: "Removes somebody for good.",
        params: &[GROUP, CHAT, CONTACT],
        result: VIEW,
        run: Run::Looked(|handle, params| {
            let group = group_of(handle, params)?;
            Ok(Command::BanMember { group, account: params.id("contact_id")? })
        }),
    },
    Method {
        name: "groups.unban",
        summary: "Lets somebody come again who was banned.",
        params: &[GROUP, CHAT, CONTACT],
        result: VIEW,
        run: Run::Looked(|handle, params| {
            let group = group_of(handle, params)?;
            Ok(Command::UnbanMember { group, account: params.id("contact_id")? })
        }),
    },
    Method {
        name: "groups.mute",
        summary: "Takes a member's word for a while, or gives it back.",
        params: &[
            GROUP,
            CHAT,
            MEMBER,
            optional("secs", "integer", "For how long; 0 gives it back, left out: until then."),
        ],
        result: VIEW,
        run: Run::Looked(mute),
    },
    Method {
        name: "groups.invite",
        summary: "Makes a link by which people come into a group. In a public room, without further parameters: the one link of the room, which every member may pass on.",
        params: &[
            GROUP,
            CHAT,
            optional("role", "string", "What they become; member if left out."),
            optional("expires_secs", "integer", "For how long it is valid; for ever if left out."),
            optional("uses", "integer", "How many accounts may come by it; any number if 0 or left out."),
            optional("approval", "boolean", "Whether somebody who may invite has to agree each time."),
            optional(
                "work_bits",
                "integer",
                "How much work those do who come, against floods: leading zero bits of a hash, at most 24; none if 0 or left out.",
            ),
        ],
        result: "link, link_id, group_id, chat_id",
        run: Run::Looked(invite),
    },
    Method {
        name: "groups.revoke_link",
        summary: "Takes a link into a group back.",
        params: &[GROUP, CHAT, needed("link_id", "string", "Which, as listed by groups.info.")],
        result: "ok",
        run: Run::Looked(|handle, params| {
            let group = group_of(handle, params)?;
            Ok(Command::RevokeGroupLink { group, link: params.id("link_id")? })
        }),
    },
    Method {
        name: "groups.join",
        summary: "Asks to come into a group by a link. “group.changed” tells when somebody has let us in, “group.forgotten” that nobody will.",
        params: &[needed("link", "string", "The link, kith:g….")],
        result: VIEW,
        run: Run::Engine(|params| Ok(Command::JoinGroup { link: params.id("link")? })),
    },
    Method {
        name: "groups.approve",
        summary: "Lets somebody in who asks.",
        params: &[GROUP, CHAT, CONTACT],
        result: VIEW,
        run: Run::Looked(|handle, params| {
            let group = group_of(handle, params)?;
            Ok(Command::ApproveJoin { group, account: params.id("contact_id")? })
        }),
    },
    Method {
        name: "groups.refuse",
        summary: "Does not let somebody in who asks.",
        params: &[GROUP, CHAT, CONTACT],
        result: VIEW,
        run: Run::Looked(|handle, params| {
            let group = group_of(handle, params)?;
            Ok(Command::RefuseJoin { group, account: params.id("contact_id")? })
        }),
    },
];

/// Which group a request means.
fn group_of(handle: &Handle, params: &Params<'_>) -> Result<GroupId, RpcError> {
    if params.get("group_id").is_some() {
        return params.id("group_id");
    }
    if params.get("chat_id").is_none() {
        return Err(RpcError::bad_params("the parameter “group_id” is missing, or “chat_id” instead"));
    }
    let chat = params.id("chat_id")?;
    let found = handle.query(|rows| query::chat(rows, &chat))?;
    let group = found.as_ref().and_then(|chat| chat.group());
    Ok(group.ok_or(NodeError::Refused(Refusal::UnknownGroup))?.group)
}

fn role_named(name: &str, word: &str) -> Result<Role, RpcError> {
    role_from_word(word).ok_or_else(|| Params::wrong(name, ROLES))
}

fn role_or_member(params: &Params<'_>) -> Result<Role, RpcError> {
    params.text("role")?.map_or(Ok(Role::Member), |word| role_named("role", &word))
}

fn create(params: &Params<'_>) -> Result<Command, RpcError> {
    let public = params.flag("public")?.unwrap_or(false);
    let mut policy = if public { Policy::public_room() } else { Policy::default() };
    policy.directory = params.flag("directory")?.unwrap_or(false);
    policy.observers_first = params.flag("observers_first")?.unwrap_or(false);
    let policy = Some(params.get("policy").map_or(Ok(policy), |changes| changed(policy, changes))?);
    Ok(Command::CreateGroup { name: params.need("name")?, members: params.ids("members")?, policy })
}

fn list(handle: &Handle, _: &Params<'_>) -> Result<Value, RpcError> {
    let groups = handle.query(query::groups)?;
    let overview = handle.overview();
    Ok(json!({ "groups": groups.iter().map(|group| view(group, &overview)).collect::<Vec<_>>() }))
}

fn found(handle: &Handle, params: &Params<'_>) -> Result<GroupView, RpcError> {
    let group = group_of(handle, params)?;
    let found = handle.query(|rows| query::group(rows, &group))?;
    Ok(found.ok_or(NodeError::Refused(Refusal::UnknownGroup))?)
}

fn add(handle: &Handle, params: &Params<'_>) -> Result<Command, RpcError> {
    let mut members = params.ids("members")?;
    if params.get("contact_id").is_some() {
        members.push(params.id("contact_id")?);
    }
    if members.is_empty() {
        return Err(RpcError::bad_params("the parameter “members” or “contact_id” has to say who is added"));
    }
    Ok(Command::AddMembers { group: group_of(handle, params)?, members, role: role_or_member(params)? })
}

fn set_policy(handle: &Handle, params: &Params<'_>) -> Result<Command, RpcError> {
    let changes = params.get("policy");
    let changes = changes.ok_or_else(|| RpcError::bad_params("the parameter “policy” is missing"))?;
    if changes.as_object().is_some_and(|changes| changes.values().all(Value::is_null)) {
        return Err(RpcError::bad_params("nothing is to be changed: “policy” names no rule"));
    }
    let group = found(handle, params)?;
    Ok(Command::SetPolicy { group: group.group, policy: changed(group.policy, changes)? })
}

fn mute(handle: &Handle, params: &Params<'_>) -> Result<Command, RpcError> {
    let until = match params.number("secs")? {
        None => Timestamp::NEVER,
        // Long over, so that it is over by every clock.
        Some(0) => Timestamp(0),
        Some(secs) => Timestamp(Clock::default().now().0.saturating_add(secs.saturating_mul(1_000))),
    };
    let group = group_of(handle, params)?;
    Ok(Command::MuteMember { group, account: params.id("contact_id")?, until })
}

fn invite(handle: &Handle, params: &Params<'_>) -> Result<Command, RpcError> {
    let asked = ["role", "expires_secs", "uses", "approval", "work_bits"];
    let plain = asked.iter().all(|name| params.get(name).is_none());
    if plain && found(handle, params)?.policy.public {
        return Ok(Command::ShareRoom { group: group_of(handle, params)? });
    }
    Ok(Command::CreateGroupLink {
        group: group_of(handle, params)?,
        role: role_or_member(params)?,
        expires_secs: params.number("expires_secs")?,
        uses: params.small("uses")?.unwrap_or(0),
        approval: params.flag("approval")?.unwrap_or(false),
        work: work_bits(params)?,
    })
}

/// How much work a link asks for. More than half a minute's is a typing error.
fn work_bits(params: &Params<'_>) -> Result<u8, RpcError> {
    let bits = params.small("work_bits")?.unwrap_or(0);
    let bits = u8::try_from(bits).ok().filter(|bits| *bits <= MAX_LINK_WORK);
    bits.ok_or_else(|| Params::wrong("work_bits", "at most 24"))
}

/// The word for how this account stands to a group.
pub(crate) fn state_word(state: GroupState) -> &'static str {
    match state {
        GroupState::Asking => "asking",
        GroupState::Invited => "invited",
        GroupState::Joined => "joined",
        GroupState::Left => "left",
        GroupState::Removed => "removed",
    }
}

/// A link into a group. Its id is what `groups.revoke_link` asks for.
pub(crate) fn link(link: &GroupInvite) -> Value {
    json!({
        "link": link.to_string(),
        "link_id": LinkId::of(&LinkSecret::from_seed(link.seed).public()).to_string(),
        "group_id": link.group.to_string(),
        "chat_id": ChatId::group(&link.group).to_string(),
    })
}

/// A group.
pub(crate) fn view(view: &GroupView, overview: &Overview) -> Value {
    let members = view.members.iter().map(|member| {
        json!({
            "contact_id": member.account.to_string(),
            "name": member.name,
            "role": role_word(member.role),
            "online": member.online || overview.online.contains(&member.account),
            "muted_until": member.muted_until.map(rfc3339),
            "since": rfc3339(member.since),
        })
    });
    let links = view.links.iter().map(|link| {
        json!({
            "link_id": link.link.to_string(),
            "made_by": link.made_by.to_string(),
            "role": role_word(link.role),
            "expires_at": (link.expires != Timestamp::NEVER).then(|| rfc3339(link.expires)),
            "uses": link.uses,
            "used": link.used,
            "approval": link.approval,
            "work_bits": link.work,
            "link": link.invite.as_ref().map(ToString::to_string),
        })
    });
    let requests = view.requests.iter().map(|request| {
        json!({
            "contact_id": request.account.to_string(),
            "name": request.name,
            "link_id": request.link.to_string(),
            "since": rfc3339(request.since),
        })
    });
    let reports = view.reports.iter().map(|report| {
        json!({
            "contact_id": report.by.to_string(),
            "message_id": report.message.to_string(),
            "author": report.author.to_string(),
            "said_at": rfc3339(report.said_at),
            "text": report.text,
            "reason": report.reason,
            "since": rfc3339(report.since),
        })
    });
    json!({
        "group_id": view.group.to_string(),
        "chat_id": view.chat.to_string(),
        "name": view.name,
        "topic": view.topic,
        "policy": policy(&view.policy),
        "state": state_word(view.state),
        "role": view.role.map(role_word),
        "invited_by": view.invited_by.map(|account| account.to_string()),
        "members": members.collect::<Vec<_>>(),
        "banned": view.banned.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "links": links.collect::<Vec<_>>(),
        "pins": view.pins.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "requests": requests.collect::<Vec<_>>(),
        "reports": reports.collect::<Vec<_>>(),
        "created_at": rfc3339(view.created),
        "asked": view.asked,
    })
}
