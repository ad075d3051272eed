//! The rules: who may do what, and how the group treats its messages.

use eframe::egui::RichText;
use eframe::egui::Ui;
use kith_proto::group::History;
use kith_proto::group::Policy;
use kith_proto::group::Role;

use crate::action::GroupAction;
use crate::model::groups::rights::ROLES;
use crate::model::groups::words;
use crate::say;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::semibold;
use crate::theme::space;
use crate::view::group::Desk;
use crate::view::group::choice;
use crate::view::group::sentence;
use crate::widget;

/// A rule that names the lowest role.
struct Rule {
    name: fn() -> String,
    of: fn(&mut Policy) -> &mut Role,
}

const RULES: [Rule; 7] = [
    Rule { name: || say!("rule-post"), of: |policy| &mut policy.post },
    Rule { name: || say!("rule-invite"), of: |policy| &mut policy.invite },
    Rule { name: || say!("rule-pin"), of: |policy| &mut policy.pin },
    Rule { name: || say!("rule-mention-all"), of: |policy| &mut policy.mention_all },
    Rule { name: || say!("rule-profile"), of: |policy| &mut policy.change_profile },
    Rule { name: || say!("rule-files"), of: |policy| &mut policy.send_files },
    Rule { name: || say!("rule-calls"), of: |policy| &mut policy.start_calls },
];

/// Pauses between two messages of one member, in seconds.
const PAUSES: [u32; 6] = [0, 10, 30, 60, 300, 3_600];

/// After how long messages disappear, in seconds.
const LIVES: [u32; 6] = [0, 86_400, 7 * 86_400, 30 * 86_400, 90 * 86_400, 365 * 86_400];

/// What newcomers may see.
const HISTORIES: [History; 4] =
    [History::Nothing, History::Last(50), History::Last(500), History::Everything];

pub(super) fn rules(ui: &mut Ui, desk: &mut Desk<'_>) {
    let tokens = desk.tokens;
    let may = desk.rights().may_change_policy();
    if !may {
        sentence(ui, tokens, &say!("rules-by-admins"));
        return plain(ui, desk);
    }
    let words = say!("rules-what");
    sentence(ui, tokens, &words);
    ui.add_space(space::XS);
    let policy = &mut desk.form.policy;
    let roles: Vec<(Role, String)> =
        ROLES.iter().rev().map(|role| (*role, words::from_role(*role))).collect();
    for rule in RULES {
        choice(ui, tokens, &(rule.name)(), (rule.of)(policy), &roles);
    }
    ui.add_space(space::XS);
    ui.separator();
    let pauses = with_present(&PAUSES, policy.slow_mode_secs, |secs| words::stretch(*secs));
    choice(ui, tokens, &say!("rules-slow"), &mut policy.slow_mode_secs, &pauses);
    let lives = with_present(&LIVES, policy.retention_secs, |secs| match secs {
        0 => say!("never"),
        secs => say!("after", stretch = words::stretch(*secs)),
    });
    choice(ui, tokens, &say!("rules-disappear"), &mut policy.retention_secs, &lives);
    let histories = with_present(&HISTORIES, policy.history, |history| words::history(*history));
    choice(ui, tokens, &say!("rules-history"), &mut policy.history, &histories);
    ui.add_space(space::XS);
    widget::marks(ui, tokens, |ui| ui.checkbox(&mut policy.approve_links, say!("rules-approve")));
    ui.add_space(space::XS);
    ui.separator();
    ui.label(RichText::new(say!("rules-openness")).font(semibold(14.5)).color(tokens.text));
    for (flag, name, means) in [
        (&mut policy.public, say!("rules-public"), say!("rules-public-means")),
        (&mut policy.observers_first, say!("rules-observers-first"), say!("rules-observers-first-means")),
        (&mut policy.directory, say!("rules-directory"), say!("rules-directory-means")),
    ] {
        widget::marks(ui, tokens, |ui| ui.checkbox(flag, name));
        sentence(ui, tokens, &means);
    }
    ui.add_space(space::S);
    let differs = desk.form.has_other_rules(desk.group);
    ui.horizontal(|ui| {
        if ui.add_enabled_ui(differs, |ui| widget::primary(ui, tokens, &say!("rules-save"))).inner.clicked() {
            desk.want(GroupAction::SavePolicy);
        }
        if differs && ui.button(say!("undo")).clicked() {
            desk.form.policy = desk.group.policy;
        }
    });
}

/// Usual values, and the present one if it is another.
fn with_present<T: Copy + PartialEq>(
    usual: &[T],
    present: T,
    words: impl Fn(&T) -> String,
) -> Vec<(T, String)> {
    let mut values = usual.to_vec();
    if !values.contains(&present) {
        values.push(present);
    }
    values.iter().map(|value| (*value, words(value))).collect()
}

/// The rules for whoever cannot change them.
fn plain(ui: &mut Ui, desk: &mut Desk<'_>) {
    let tokens = desk.tokens;
    let mut policy = desk.group.policy;
    let mut lines: Vec<(String, String)> =
        RULES.iter().map(|rule| ((rule.name)(), words::from_role(*(rule.of)(&mut policy)))).collect();
    lines.push((say!("rules-slow-short"), words::stretch(policy.slow_mode_secs)));
    let disappear = match policy.retention_secs {
        0 => say!("never"),
        secs => say!("after", stretch = words::stretch(secs)),
    };
    lines.push((say!("rules-disappear"), disappear));
    lines.push((say!("rules-history"), words::history(policy.history)));
    let approve = if policy.approve_links { say!("rules-let-in") } else { say!("rules-as-link-says") };
    lines.push((say!("rules-by-link"), approve));
    let open = match (policy.public, policy.directory) {
        (_, true) => say!("kind-directory"),
        (true, false) => say!("kind-room"),
        (false, false) => say!("kind-private"),
    };
    lines.push((say!("rules-openness"), open));
    ui.add_space(space::XS);
    for (name, value) in lines {
        ui.spacing_mut().item_spacing.y = 1.0;
        ui.label(RichText::new(name).font(regular(13.0)).color(tokens.muted));
        ui.label(RichText::new(value).font(medium(14.0)).color(tokens.text));
        ui.add_space(space::S);
    }
    ui.spacing_mut().item_spacing.y = space::S;
    ui.add_space(space::S);
    ui.separator();
    ui.label(RichText::new(say!("rules-roles")).font(semibold(14.5)).color(tokens.text));
    for role in ROLES {
        let words = format!("{}: {}", words::role(role), words::role_means(role));
        ui.label(RichText::new(words).font(regular(13.0)).color(tokens.muted));
    }
}
