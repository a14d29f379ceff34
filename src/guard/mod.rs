//! What a server run may look like, and starting it: the guard.
//!
//! Only a guard may execute an encrypted server and only the encrypted server may open the data, so
//! here it is decided how a server may be started on this data. The guard reads what the server would
//! read, makes one flat list of it, strips and judges that list by its policy, and becomes the server
//! with exactly that list. Whatever is uncertain is refused. It knows the service only as a client
//! does: who may execute the server is decided there, not here.
//!
//! - words: [`command_line`], [`option_file`], as the server itself reads them; [`option_file_trust`]:
//!   which files may be read; [`strip`]: grant tables stay on; [`server`]: what a server tells of
//!   itself.
//! - the decision: [`policy`], [`judgement`], [`environment`], [`places`].
//! - the run: [`mod@run`]. Putting a guard in place: [`mod@install`].

pub mod command_line;
pub mod environment;
pub mod install;
pub mod judgement;
pub mod option_file;
pub mod option_file_trust;
pub mod places;
pub mod policy;
mod policy_rows;
mod policy_subject;
pub mod run;
pub mod server;
pub mod strip;
