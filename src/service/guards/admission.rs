//! The gate's questions: may this process execute the server, and may this server open data.
//!
//! What a guard declares is believed because the kernel brings it, with the thread that says it. Asked
//! on the thread that answers the request, while the caller sleeps; nothing below the mount is opened.

use super::super::engine::Engine;
use super::super::hex;
use super::registry::{Encrypted, Guard};
use super::runs::ProcessId;
use super::wire::Statement;
use super::{briefing, own};
use crate::access::{Caller, Grant, Looked, Program, Terms, circumstances};
use crate::fuse::Access;
use crate::sys::caller::Process;
use crate::volume::Place;
use serde_json::json;
use std::io;
use std::time::Instant;

/// Why a process is refused though a rule allows it.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It executes the server without a declaration.
    #[error("the guard did not say under which policy it runs the server")]
    NotDeclared,
    /// It is a server that was started otherwise than a guard approved.
    #[error("the server's command line is not one that its guard approved")]
    CommandLine,
    /// It is a server that its guard only asks about itself: expected, and not worth a line in the log.
    #[error("the server was only asked about itself")]
    OnlyAsked,
    /// It declares, and is no guard.
    #[error("the process is no guard")]
    NotAGuard,
    /// It declares about a file that is not its server.
    #[error("the guard is not that of this server")]
    OtherServer,
    /// The server's fingerprint no longer holds.
    #[error("the server is tainted: it is not the file that its rules were made for")]
    Tainted,
    /// The guard acts under a briefing that is not the present one.
    #[error("the guard's policy is not the one that is in force")]
    Outdated,
    /// Another run used the permit up.
    #[error("the permit was used by another run, or has ended")]
    PermitGone,
    /// There is no policy to act under.
    #[error("there is no policy: {0}")]
    NoPolicy(#[from] briefing::Error),
    /// Who asks is not believed.
    #[error(transparent)]
    Circumstances(#[from] circumstances::Error),
    /// It cannot be looked at.
    #[error("the process cannot be looked at: {0}")]
    Unreadable(#[from] io::Error),
}

/// Asks for what the rule that allowed the request demands besides.
///
/// # Errors
/// Why the request is refused nevertheless.
pub fn check(
    engine: &Engine,
    (grant, looked): (&Grant, &Looked),
    access: Access,
    tid: u32,
) -> Result<(), Refused> {
    let executes = access == Access::Execute;
    match grant.terms {
        Terms::Declaration if executes => may_execute(engine, looked.program(), tid)?,
        Terms::CommandLine => may_open(engine, looked, tid)?,
        Terms::None | Terms::Declaration => {}
    }
    if executes {
        engine.guards().runs.forget(looked.program().pid);
    }
    Ok(())
}

/// Takes a guard's statement about the server that it is about to execute.
///
/// # Errors
/// Why it is not believed; nothing is remembered of it then.
pub fn declare(
    engine: &Engine,
    (grant, looked): (&Grant, &Looked),
    caller: Caller,
    place: &Place,
    statement: &Statement,
) -> Result<(), Refused> {
    let (terms, program) = (&grant.terms, looked.program());
    let state = engine.guards();
    let registry = state.registry();
    let Some(Ok(guard)) = registry.guard(&program.path).filter(|_| *terms == Terms::Declaration)
    else {
        return Err(Refused::NotAGuard);
    };
    let server = server_at(guard, place).ok_or(Refused::OtherServer)?;
    circumstances::check(caller.tid, program.pid, engine.programs().mount())?;
    if registry.allowing(&server.path).any(|rule| !own::holds(engine, &rule.1)) {
        return Err(Refused::Tainted);
    }
    let now = Instant::now();
    let permit = state.permits.of(&guard.path, now);
    let used = permit.as_ref().map(|permit| permit.id);
    let text = briefing::text(&registry, guard, permit)?;
    if Statement::of_briefing(&text) != statement.briefing {
        return Err(Refused::Outdated);
    }
    if statement.run != Statement::NO_RUN {
        if used.is_some_and(|id| !state.permits.take(&guard.path, id, now)) {
            return Err(Refused::PermitGone);
        }
        state.runs.approve(&server.path, statement.run);
        let fields = json!({
            "guard": guard.path.to_string_lossy(),
            "pid": program.pid,
            "uid": caller.uid,
            "run": hex(&statement.run),
            "permit_used": used.is_some(),
        });
        // A permit can be used once, and costs the secret; without one a guard may do this in a loop.
        if used.is_some() {
            engine.log().write("guard_approved", fields);
        } else {
            engine.log().write_limited("guard_approved", fields);
        }
    }
    state.runs.declare(ProcessId::from(&**program), &guard.path, now);
    Ok(())
}

fn server_at<'a>(guard: &'a Guard, place: &Place) -> Option<&'a Encrypted> {
    let server = guard.encrypted.as_ref()?;
    let same = guard.server == place.path && server.category == *place.category;
    same.then_some(server)
}

/// The guard itself, or a child that it made by `fork` and that still runs the guard.
fn may_execute(engine: &Engine, program: &Program, tid: u32) -> Result<(), Refused> {
    let runs = &engine.guards().runs;
    let declared = |process: &Program| {
        runs.has_declared(ProcessId::from(process), &program.path, Instant::now())
    };
    if !declared(program) {
        let parent = Process::open(tid)?.status()?.parent;
        let parent = engine.policy().who(parent).map_err(|_| Refused::NotDeclared)?;
        let same = parent.path == program.path && parent.identity == program.identity;
        if !same || !declared(&parent) {
            return Err(Refused::NotDeclared);
        }
    }
    Ok(circumstances::check(tid, program.pid, engine.programs().mount())?)
}

/// Once it was let in, a server stays so until it executes something.
fn may_open(engine: &Engine, looked: &Looked, tid: u32) -> Result<(), Refused> {
    let (runs, program) = (&engine.guards().runs, looked.program());
    if runs.is_admitted(program) {
        return Ok(());
    }
    let approved = |run| runs.is_approved(&program.path, run);
    if !looked.command_line().is_some_and(approved) {
        let asked = is_asked(engine, program.pid);
        return Err(if asked { Refused::OnlyAsked } else { Refused::CommandLine });
    }
    circumstances::check(tid, program.pid, engine.programs().mount())?;
    runs.admit(program);
    Ok(())
}

/// Whether a guard that declared itself started the process, and still waits for it.
fn is_asked(engine: &Engine, pid: u32) -> bool {
    let parent = Process::open(pid).and_then(|process| Ok(process.status()?.parent));
    let guard = parent.ok().and_then(|parent| engine.policy().who(parent).ok());
    guard.is_some_and(|guard| {
        let runs = &engine.guards().runs;
        runs.has_declared(ProcessId::from(&*guard), &guard.path, Instant::now())
    })
}
