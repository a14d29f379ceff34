//! `ezncrypt guard show`: the guards, their policies, and what is wrong with them.

use super::talk;
use crate::cli::instance::Instance;
use crate::cli::{absolute, escape, output, table};
use crate::guard::install::{self, Guard, Mark};
use crate::guard::policy::Treatment;
use crate::service::guards::wire::Permit;
use crate::service::protocol::{Failure, FailureKind};
use serde::Serialize;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// Shows one guard or all; the exit code says whether all is well.
pub fn run(instance: &Instance, path: Option<&Path>, json: bool) -> Result<ExitCode, Failure> {
    let path = path.map(absolute::path).transpose()?;
    let guards = talk(instance, |session| install::show(path.as_deref(), session))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let shown: Vec<_> = guards.iter().map(|guard| Shown::of(guard, now)).collect();
    if json {
        output::json(&shown)?;
    } else if shown.is_empty() {
        output::text("there are no guards\n")?;
    } else {
        let texts: Vec<_> = shown.iter().map(Shown::text).collect();
        output::text(&texts.join("\n"))?;
    }
    let well = guards.iter().all(Guard::is_well);
    let code = if well { 0 } else { FailureKind::Failed.exit_code() };
    Ok(ExitCode::from(code))
}

/// A time in the largest unit that tells it whole enough.
pub fn lasting(seconds: u64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

/// A guard in JSON. Paths are shown as UTF-8.
#[derive(Serialize)]
struct Shown {
    guard: String,
    names: Vec<String>,
    server: String,
    version: Option<String>,
    category: String,
    data: Vec<String>,
    registered: bool,
    diverted: bool,
    reload_privileges: bool,
    policy: Vec<Treated>,
    permit: Option<Permitted>,
    well: bool,
    checks: Vec<Checked>,
}

#[derive(Serialize)]
struct Treated {
    subject: String,
    treatment: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    what: &'static str,
}

#[derive(Serialize)]
struct Permitted {
    settings: Vec<String>,
    seconds_left: u64,
}

#[derive(Serialize)]
struct Checked {
    what: &'static str,
    holds: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

impl Shown {
    fn of(guard: &Guard, now: u64) -> Self {
        let spec = &guard.row.spec;
        let all = |paths: &[OsString]| paths.iter().map(shown).collect();
        let policy = guard.policy.iter().flat_map(|policy| policy.describe());
        let left = |permit: &Permit| permit.until.saturating_sub(now);
        Self {
            guard: shown(&spec.path),
            names: all(&spec.names),
            server: shown(&spec.server),
            version: guard.version.clone(),
            category: format!("@{}", spec.category),
            data: all(&guard.row.data),
            registered: guard.row.registered,
            diverted: spec.diverted,
            reload_privileges: spec.reload_privileges,
            policy: policy.map(|(subject, how, what)| treated(&subject, &how, what)).collect(),
            permit: guard.row.permit.as_ref().filter(|permit| left(permit) > 0).map(|permit| {
                Permitted { settings: permit.settings.clone(), seconds_left: left(permit) }
            }),
            well: guard.is_well(),
            checks: guard.checks.iter().map(|check| checked(check.what, &check.mark)).collect(),
        }
    }

    fn text(&self) -> String {
        let server = match &self.version {
            Some(version) => format!("{}, version {version}", self.server),
            None => self.server.clone(),
        };
        let made = if self.registered { "by guard install" } else { "by rules alone" };
        let mut facts = vec![
            ["names", &self.names.join(", ")],
            ["server", &server],
            ["data", &format!("{} {}", self.category, self.data.join(", "))],
            ["made", made],
        ]
        .into_iter()
        .map(|row| row.map(|cell| escape::text(cell.trim_end())))
        .collect::<Vec<_>>();
        if self.reload_privileges {
            facts.push(["privileges", "loaded again once the server answers"].map(str::to_owned));
        }
        if let Some(permit) = &self.permit {
            let left = lasting(permit.seconds_left);
            let text = format!("{}; one run, {left} left", permit.settings.join(", "));
            facts.push(["permit".to_owned(), escape::text(&text)]);
        }
        let parts = [table::plain(&facts), self.policy_text(), self.checks_text()];
        let parts: Vec<_> =
            parts.iter().filter(|part| !part.is_empty()).map(|p| indented(p)).collect();
        format!("{}\n{}", escape::text(&self.guard), parts.join("\n"))
    }

    fn policy_text(&self) -> String {
        let row = |one: &Treated| {
            let treatment = match &one.value {
                Some(value) => format!("{} {}", one.treatment, escape::text(value)),
                None => one.treatment.to_owned(),
            };
            [one.subject.clone(), treatment, one.what.to_owned()]
        };
        table::policy(self.policy.iter().map(row).collect())
    }

    fn checks_text(&self) -> String {
        let mut text = String::new();
        for check in &self.checks {
            let mark = if check.holds { "ok" } else { "!" };
            text += &format!("{mark:<3} {}", check.what);
            if let Some(why) = &check.why {
                text += &format!(": {}", escape::text(why));
            }
            text.push('\n');
        }
        if let Some(mend) = self.checks.iter().find_map(|check| check.mend.as_ref()) {
            text += &format!("hint: {}\n", escape::text(mend));
        }
        text
    }
}

fn treated(subject: &dyn ToString, how: &Treatment, what: &'static str) -> Treated {
    let (treatment, value) = match how {
        Treatment::Require(value) => ("require", Some(shown(value))),
        Treatment::Forbid => ("forbid", None),
        Treatment::Warn => ("warn", None),
        Treatment::Allow => ("allow", None),
    };
    Treated { subject: subject.to_string(), treatment, value, what }
}

fn checked(what: &'static str, mark: &Mark) -> Checked {
    let (why, mend) = match mark {
        Mark::Holds => (None, None),
        Mark::Fails { why, mend } => (Some(why.clone()), Some(mend.clone())),
    };
    Checked { what, holds: why.is_none(), why, mend }
}

fn shown(path: &OsString) -> String {
    path.to_string_lossy().into_owned()
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

#[cfg(test)]
#[path = "show_tests.rs"]
mod tests;
