// Work on several threads, with results that do not depend on their number.
#pragma once

#include <cstdint>
#include <functional>

namespace pdas {

// Calls `body(begin, end)` for parts of `[0, count)` on torch's own threads; see bindings.cpp.
void parallel(int64_t count, const std::function<void(int64_t, int64_t)>& body);

// What is summed over images is summed within fixed groups of them, and then group after group.
constexpr int64_t kGroups = 32;

inline int64_t groups(int64_t images) { return images < kGroups ? images : kGroups; }

inline int64_t group_begin(int64_t group, int64_t images) { return group * images / groups(images); }

}  // namespace pdas
