//! On whose behalf lines are written: whoever had a command carried out stands in the lines that it
//! causes.

use super::line::Fields;
use crate::access::Caller;
use crate::service::engine::Engine;
use crate::service::protocol::WhoRow;
use serde_json::{Value, json};
use std::cell::RefCell;

thread_local! {
    static ASKER: RefCell<Option<Value>> = const { RefCell::new(None) };
}

/// Does the work with this process in the lines that this thread writes meanwhile. Where nothing can be
/// found out about it, there is at least its number.
pub fn on_behalf<T>(engine: &Engine, asker: Caller, work: impl FnOnce() -> T) -> T {
    let known = engine.policy().describe(asker).map(|who| json!(WhoRow::from(&who)));
    let Caller { tid, uid, gid } = asker;
    let who = known.unwrap_or_else(|_| json!({ "pid": tid, "user": uid, "group": gid }));
    ASKER.with_borrow_mut(|slot| *slot = Some(who));
    // Taken back also when the work panics: the thread may go on with somebody else's.
    let _end = End;
    work()
}

struct End;

impl Drop for End {
    fn drop(&mut self) {
        ASKER.with_borrow_mut(|slot| *slot = None);
    }
}

/// Adds who asked, where a line does not say it itself.
pub fn add(fields: &mut Fields) {
    if let Some(who) = ASKER.with_borrow(Clone::clone)
        && !fields.contains_key("who")
    {
        fields.insert("who".into(), who);
    }
}
