// Products of small matrices that lie in cache.
#pragma once

#include "vectors.h"

namespace pdas {

// Vectors and rows of a block of sums: as many as the processor has registers for.
constexpr int kRows = kVectorBytes == 64 ? 8 : 4;

// The sums over k of `a[r * a_row + k * a_inner]` times line k of `b`.
template <class T, int V, int R>
PDAS_INLINE void accumulate(const T* a, int64_t a_row, int64_t a_inner, const T* b, int64_t b_row, int64_t inner,
                            Vector<T> (&sums)[R][V]) {
  constexpr int L = kLanes<T>;
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) sums[r][v] = Vector<T>{};
  }
  for (int64_t k = 0; k < inner; k++) {
    Vector<T> line[V];
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) line[v] = load(b + k * b_row + v * L);
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      const T factor = a[r * a_row + k * a_inner];
#pragma GCC unroll 2
      for (int v = 0; v < V; v++) sums[r][v] += line[v] * factor;
    }
  }
}

template <class T, int V, int R>
PDAS_INLINE void product_block(const T* a, int64_t a_row, const T* b, int64_t b_row, T* out, int64_t out_row,
                               int64_t inner) {
  Vector<T> sums[R][V];
  accumulate<T, V, R>(a, a_row, 1, b, b_row, inner, sums);
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) store(out + r * out_row + v * kLanes<T>, sums[r][v]);
  }
}

template <class T, int V>
PDAS_INLINE void product_columns(const T* a, int64_t a_row, const T* b, int64_t b_row, T* out, int64_t out_row,
                                 int64_t rows, int64_t inner) {
  int64_t m = 0;
  for (; m + kRows <= rows; m += kRows) {
    product_block<T, V, kRows>(a + m * a_row, a_row, b, b_row, out + m * out_row, out_row, inner);
  }
  for (; m < rows; m++) product_block<T, V, 1>(a + m * a_row, a_row, b, b_row, out + m * out_row, out_row, inner);
}

// (rows, inner) times (inner, columns). Columns are a multiple of kChannels; `b` has no gaps.
template <class T>
void product(const T* a, int64_t a_row, const T* b, T* out, int64_t out_row, int64_t rows, int64_t inner,
             int64_t columns) {
  constexpr int L = kLanes<T>;
  int64_t n = 0;
  for (; n + 2 * L <= columns; n += 2 * L) {
    product_columns<T, 2>(a, a_row, b + n, columns, out + n, out_row, rows, inner);
  }
  for (; n < columns; n += L) product_columns<T, 1>(a, a_row, b + n, columns, out + n, out_row, rows, inner);
}

template <class T, int V, int R>
PDAS_INLINE void outer_block(const T* a, int64_t a_row, const T* g, int64_t g_row, T* out, int64_t out_row,
                             int64_t rows) {
  Vector<T> sums[R][V];
  accumulate<T, V, R>(a, 1, a_row, g, g_row, rows, sums);
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) {
      T* p = out + r * out_row + v * kLanes<T>;
      store(p, load(p) + sums[r][v]);
    }
  }
}

// Adds the product of `a` (rows, inner), transposed, and `g` (rows, columns) to `out` (inner,
// columns). Both inner and columns are multiples of kChannels.
template <class T>
void add_outer(const T* a, int64_t a_row, const T* g, int64_t g_row, T* out, int64_t rows, int64_t inner,
               int64_t columns) {
  constexpr int L = kLanes<T>;
  int64_t n = 0;
  for (; n + 2 * L <= columns; n += 2 * L) {
    for (int64_t k = 0; k < inner; k += kRows) {
      outer_block<T, 2, kRows>(a + k, a_row, g + n, g_row, out + k * columns + n, columns, rows);
    }
  }
  for (; n < columns; n += L) {
    for (int64_t k = 0; k < inner; k += kRows) {
      outer_block<T, 1, kRows>(a + k, a_row, g + n, g_row, out + k * columns + n, columns, rows);
    }
  }
}

}  // namespace pdas
