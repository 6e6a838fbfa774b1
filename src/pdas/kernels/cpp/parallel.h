// Work on several threads, with results that do not depend on their number.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>

namespace pdas {

// Calls `body(begin, end)` for parts of `[0, count)` on torch's own threads; see bindings.cpp.
void parallel(int64_t count, const std::function<void(int64_t, int64_t)>& body);

// An operator goes over its images several times, and turns round each time: what it wrote last is in
// the cache. It begins with the last ones, since whoever made its input ended with them.
enum class Order { kDown, kUp };

// Calls `body(n)` for each n of `[begin, end)`.
template <class F>
void in_order(Order order, int64_t begin, int64_t end, F&& body) {
  for (int64_t i = begin; i < end; i++) body(order == Order::kUp ? i : begin + end - 1 - i);
}

// Within an image everything goes from strip to strip of this many rows, so that a strip of one map is
// still in the first cache when the next map is computed from it.
inline int64_t strip_rows(int64_t width) { return (31 + width) / width; }

// Calls `body(first row, rows)` for each strip.
template <class F>
void in_strips(int64_t height, int64_t width, F&& body) {
  const int64_t rows = strip_rows(width);
  for (int64_t y = 0; y < height; y += rows) body(y, std::min(rows, height - y));
}

// What is summed over images is summed within fixed groups of them, and then group after group.
constexpr int64_t kGroups = 32;

inline int64_t groups(int64_t images) { return images < kGroups ? images : kGroups; }

inline int64_t group_begin(int64_t group, int64_t images) { return group * images / groups(images); }

// Calls `body(n, group)` for each image of the groups `[begin, end)`.
template <class F>
void in_groups(Order order, int64_t begin, int64_t end, int64_t images, F&& body) {
  in_order(order, begin, end, [&](int64_t group) {
    in_order(order, group_begin(group, images), group_begin(group + 1, images), [&](int64_t n) { body(n, group); });
  });
}

}  // namespace pdas
