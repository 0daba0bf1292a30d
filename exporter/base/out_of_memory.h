#pragma once

namespace registry_exporter {

/// From now on whatever asks `new` or OpenSSL for memory that isn't there ends the program with 1
/// and a line on stderr: nothing could be finished, and half a page must not be counted. Started
/// again, it goes on from what is on the disk. Before the first use of OpenSSL, which is known to
/// crash where its own allocations fail. Shell.
void end_when_out_of_memory();

}  // namespace registry_exporter
