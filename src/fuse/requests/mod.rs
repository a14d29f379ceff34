//! The kernel's requests, one method each: ask, call, reply.

mod attributes;
mod contents;
mod directories;
mod names;
mod ranges;
mod xattr;

use super::bridge::Served;
use super::transport::{Handler, Request};
use super::wire::abi::{BatchForgetIn, ForgetIn, ForgetOne, opcode};
use crate::volume::Ino;
use rustix::io::Errno;
use std::panic::{AssertUnwindSafe, catch_unwind};
use zerocopy::FromBytes;

impl Handler for Served {
    fn handle(&self, request: Request<'_>) {
        // What panics is answered where it does; whatever is wrong elsewhere, the thread goes on.
        let _ = catch_unwind(AssertUnwindSafe(|| self.dispatch(request)));
    }
}

impl Served {
    fn dispatch(&self, request: Request<'_>) {
        self.counters.count(request.header().opcode);
        match request.header().opcode {
            opcode::LOOKUP => self.look_up(request),
            opcode::FORGET => self.forget(request),
            opcode::BATCH_FORGET => self.forget_many(request),
            opcode::GETATTR => self.attributes(request),
            opcode::SETATTR => self.change(request),
            opcode::READLINK => self.read_link(request),
            opcode::MKNOD => self.make_special(request),
            opcode::MKDIR => self.make_directory(request),
            opcode::SYMLINK => self.make_symlink(request),
            opcode::UNLINK => self.unlink(request),
            opcode::RMDIR => self.remove_directory(request),
            opcode::RENAME => self.rename(request),
            opcode::RENAME2 => self.rename_with_flags(request),
            opcode::LINK => self.link(request),
            opcode::OPEN => self.open(request),
            opcode::CREATE => self.create(request),
            opcode::READ => self.read(request),
            opcode::WRITE => self.write(request),
            opcode::FSYNC => self.sync(request),
            opcode::RELEASE | opcode::RELEASEDIR => self.release(request),
            opcode::FALLOCATE => self.reserve(request),
            opcode::LSEEK => self.seek(request),
            opcode::IOCTL => self.ioctl(request),
            opcode::OPENDIR => self.open_directory(request),
            opcode::READDIR => self.list(request),
            opcode::READDIRPLUS => self.list_with_attributes(request),
            opcode::FSYNCDIR => self.sync_directory(request),
            opcode::STATFS => self.space(request),
            opcode::SETXATTR => self.set_xattr(request),
            opcode::GETXATTR => self.xattr(request),
            opcode::LISTXATTR => self.xattr_names(request),
            opcode::REMOVEXATTR => self.remove_xattr(request),
            opcode::DESTROY => request.reply.done(),
            // Nobody waits for an answer.
            opcode::NOTIFY_REPLY => request.reply.none(),
            // Among them `FLUSH` and `INTERRUPT`, after which the kernel asks no more: nothing is held back
            // between a write's answer and the file below, and what was begun is carried out.
            _ => request.reply.error(Errno::NOSYS),
        }
    }

    fn forget(&self, request: Request<'_>) {
        if let Ok(forget) = request.body().arguments::<ForgetIn>() {
            self.volume.forget(request.node(), forget.lookups);
        }
        request.reply.none();
    }

    fn forget_many(&self, request: Request<'_>) {
        if let Ok((count, mut rest)) = request.body().split::<BatchForgetIn>() {
            for _ in 0..count.count {
                let Ok((one, after)) = ForgetOne::read_from_prefix(rest) else { break };
                self.volume.forget(Ino(one.node), one.lookups);
                rest = after;
            }
        }
        request.reply.none();
    }
}

impl Request<'_> {
    /// The node that it is about.
    fn node(&self) -> Ino {
        Ino(self.header().node)
    }
}

#[cfg(test)]
#[path = "requests_tests.rs"]
mod tests;
