//! `kith-bootstrap check`: whether this machine and these settings make a node that works. Every finding is one line, and
//! says what to do if there is something to do. Nothing is changed.

mod here;
mod outside;
mod sizes;

use std::process::ExitCode;

use anyhow::Result;
use serde::Serialize;

use crate::settings::Source;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Ok,
    Warning,
    Error,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Finding {
    level: Level,
    /// What was looked at, in a word.
    about: &'static str,
    /// What was found.
    says: String,
    /// What to do.
    action: Option<String>,
}

impl Finding {
    fn good(about: &'static str, says: impl Into<String>) -> Self {
        Self { level: Level::Ok, about, says: says.into(), action: None }
    }

    fn warning(about: &'static str, says: impl Into<String>, action: impl Into<String>) -> Self {
        Self { level: Level::Warning, about, says: says.into(), action: Some(action.into()) }
    }

    fn error(about: &'static str, says: impl Into<String>, action: impl Into<String>) -> Self {
        Self { level: Level::Error, about, says: says.into(), action: Some(action.into()) }
    }

    fn line(&self) -> String {
        let level = match self.level {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Error => "ERROR",
        };
        let action = self.action.as_ref().map(|action| format!(": {action}")).unwrap_or_default();
        format!("{level:<8}{:<10}{}{action}", self.about, self.says)
    }
}

/// Looks at everything and prints it.
///
/// # Errors
/// When the look itself does not work.
pub(crate) fn check(source: &Source, via: &[String], json: bool) -> Result<ExitCode> {
    let findings = look(source, via)?;
    let is_good = findings.iter().all(|finding| finding.level != Level::Error);
    if json {
        println!("{}", serde_json::json!({ "ok": is_good, "findings": findings }));
    } else {
        findings.iter().for_each(|finding| println!("{}", finding.line()));
    }
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn look(source: &Source, via: &[String]) -> Result<Vec<Finding>> {
    let config = match source.read() {
        Ok(config) => config,
        Err(error) => {
            let action = "correct it; “kith-bootstrap config” prints all settings with their defaults";
            return Ok(vec![Finding::error("settings", format!("{error:#}"), action)]);
        }
    };
    let mut findings = vec![Finding::good("settings", "every line is a setting that can work")];
    sizes::look(&config, &mut findings);
    let is_running = here::look(&config, &mut findings);
    outside::look(&config, via, is_running, &mut findings)?;
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line_with_what_to_do() {
        let finding = Finding::error("disk", "2.0 GiB left", "make room");
        assert_eq!(finding.line(), "ERROR   disk      2.0 GiB left: make room");
        assert_eq!(Finding::good("clock", "runs").line(), "ok      clock     runs");
        let json = serde_json::to_value(&finding).unwrap();
        assert_eq!(json["level"], "error");
        assert_eq!(json["action"], "make room");
    }

    #[test]
    fn settings_that_do_not_work_are_the_only_finding() {
        let source = Source { http: Some("nowhere".to_owned()), ..Source::default() };
        let findings = look(&source, &[]).unwrap();
        assert_eq!(findings.len(), 1);
        assert!(findings[0].level == Level::Error && findings[0].says.contains("nowhere"), "{findings:?}");
    }
}
