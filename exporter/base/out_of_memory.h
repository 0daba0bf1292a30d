#pragma once

#include <cstddef>

namespace registry_exporter {

/// From now on whatever asks `new` or OpenSSL for memory that isn't there ends the program with 1
/// and a line on stderr: nothing could be finished, and half a page must not be counted. Started
/// again, it goes on from what is on the disk. Before the first use of OpenSSL. Shell.
void end_when_out_of_memory();

/// The same for a library of C that takes them, in place of malloc() and its kin. (OpenSSL 3.0
/// crashes where its own set-up gets no memory; libcurl 7.88 sends a request without its query.)
namespace or_end {
void* allocate(std::size_t bytes);
void* allocate_zeros(std::size_t count, std::size_t bytes);
void* reallocate(void* before, std::size_t bytes);
char* duplicate(const char* text);
}  // namespace or_end

}  // namespace registry_exporter
