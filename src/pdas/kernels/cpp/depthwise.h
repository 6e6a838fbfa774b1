// One filter a channel, on one image (height, width, channels) with its border of zeros.
//
// `row` is the length of a row of the bordered image, in numbers; filters are (K * K, channels).
// Channels are a multiple of kChannels.
#pragma once

#include "vectors.h"

namespace pdas {

// `N` neighbouring outputs of one vector of channels, so that each input is loaded once a row.
template <class T, int K, int S, int N>
PDAS_INLINE void filter_block(const T* in, int64_t row, int64_t channels, const T* filters, T* out) {
  Vector<T> sums[N];
#pragma GCC unroll 8
  for (int i = 0; i < N; i++) sums[i] = Vector<T>{};
#pragma GCC unroll 5
  for (int ky = 0; ky < K; ky++) {
    Vector<T> taps[K];
#pragma GCC unroll 5
    for (int kx = 0; kx < K; kx++) taps[kx] = load(filters + (ky * K + kx) * channels);
#pragma GCC unroll 32
    for (int j = 0; j < (N - 1) * S + K; j++) {
      const Vector<T> x = load(in + ky * row + j * channels);
#pragma GCC unroll 5
      for (int kx = 0; kx < K; kx++) {
        const int i = j - kx;
        if (i >= 0 && i % S == 0 && i / S < N) sums[i / S] += x * taps[kx];
      }
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < N; i++) store(out + i * channels, sums[i]);
}

template <class T, int K, int S>
void filter(const T* in, int64_t row, int64_t channels, const T* filters, T* out, int64_t height, int64_t width) {
  constexpr int N = 8;
  for (int64_t y = 0; y < height; y++) {
    for (int64_t c = 0; c < channels; c += kLanes<T>) {
      const T* from = in + y * S * row + c;
      T* to = out + y * width * channels + c;
      int64_t x = 0;
      for (; x + N <= width; x += N) {
        filter_block<T, K, S, N>(from + x * S * channels, row, channels, filters + c, to + x * channels);
      }
      for (; x < width; x++) {
        filter_block<T, K, S, 1>(from + x * S * channels, row, channels, filters + c, to + x * channels);
      }
    }
  }
}

// Adds the gradient of the filters. `gradient` is of the outputs, its rows `gradient_row` apart.
template <class T, int K, int S>
void filters_gradient(const T* in, int64_t row, int64_t channels, const T* gradient, int64_t gradient_row,
                      T* filters, int64_t height, int64_t width) {
  for (int64_t c = 0; c < channels; c += kLanes<T>) {
    Vector<T> sums[K * K];
#pragma GCC unroll 25
    for (int k = 0; k < K * K; k++) sums[k] = Vector<T>{};
    for (int64_t y = 0; y < height; y++) {
      for (int64_t x = 0; x < width; x++) {
        const Vector<T> g = load(gradient + y * gradient_row + x * channels + c);
        const T* p = in + y * S * row + x * S * channels + c;
#pragma GCC unroll 5
        for (int ky = 0; ky < K; ky++) {
#pragma GCC unroll 5
          for (int kx = 0; kx < K; kx++) sums[ky * K + kx] += load(p + ky * row + kx * channels) * g;
        }
      }
    }
#pragma GCC unroll 25
    for (int k = 0; k < K * K; k++) {
      T* p = filters + k * channels + c;
      store(p, load(p) + sums[k]);
    }
  }
}

// Adds the gradient of the bordered input at stride 2; at stride 1 it is `filter` with the filters
// turned round.
template <class T, int K>
void spread(const T* gradient, int64_t gradient_row, int64_t channels, const T* filters, T* in, int64_t row,
            int64_t height, int64_t width) {
  for (int64_t c = 0; c < channels; c += kLanes<T>) {
    for (int64_t y = 0; y < height; y++) {
      for (int64_t x = 0; x < width; x++) {
        const Vector<T> g = load(gradient + y * gradient_row + x * channels + c);
        T* p = in + y * 2 * row + x * 2 * channels + c;
        for (int k = 0; k < K * K; k++) {
          T* q = p + k / K * row + k % K * channels;
          store(q, load(q) + g * load(filters + k * channels + c));
        }
      }
    }
  }
}

}  // namespace pdas
