//! Backups that nobody can read: mysqldump, mariadb-backup and a script, run by cron as an ordinary
//! user who learns neither the password nor the data. Each attack is first shown to work where a rule
//! names the program only, and then to fail where it binds the run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "backup/attack.rs"]
mod attack;
#[path = "backup/bench.rs"]
mod bench;
#[path = "backup/cron.rs"]
mod cron;
#[path = "backup/database.rs"]
mod database;
#[path = "backup/environment.rs"]
mod environment;
#[path = "backup/fake.rs"]
mod fake;
#[path = "backup/impersonation.rs"]
mod impersonation;
#[path = "backup/memory.rs"]
mod memory;
#[path = "backup/option_files.rs"]
mod option_files;
#[path = "backup/options.rs"]
mod options;
#[path = "backup/physical.rs"]
mod physical;
#[path = "backup/script.rs"]
mod script;
mod support;
#[path = "backup/tools.rs"]
mod tools;
#[path = "backup/unattended.rs"]
mod unattended;
