#pragma once

#include <optional>
#include <string>

/// What a process has from its parent and can't choose. Shell.
namespace registry_exporter {

/// Puts right what would surprise the program; call it first in main(), before anything is opened:
///  - closed descriptors 0 to 2 would be given to the next file that is opened, and what is meant
///    for stderr be written into the state. /dev/null stands on them;
///  - the kernel ends a process by SIGXFSZ or SIGPIPE where an error was expected (a file over
///    `ulimit -f`, a reader that left): the error comes instead;
///  - signals that the parent had blocked would wait for ever, and an ignored SIGTERM end nothing;
///  - where SIGCHLD is ignored, nobody is told how a child ended;
///  - what is created here is for its owner alone, and for its owner, whatever the umask.
void mend_what_was_inherited();

/// Error of writing to stdout; nullopt if all was written. Writing to a closed stdout is an error.
std::optional<std::string> stdout_problem();

}  // namespace registry_exporter
