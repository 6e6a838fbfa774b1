// 3x3 pooling with a border of one pixel that does not count.
#pragma once

#include <cstdint>

namespace pdas {

struct PoolShape {
  int64_t images, height, width, channels, stride;  // of the input

  int64_t out_height() const { return (height + stride - 1) / stride; }
  int64_t out_width() const { return (width + stride - 1) / stride; }
};

template <class T>
void average_forward(const PoolShape& shape, const T* in, T* out);

template <class T>
void average_backward(const PoolShape& shape, const T* gradient, T* out);

// `places` says which of the nine pixels was the largest: 3 * (row + 1) + column + 1.
template <class T>
void maximum_forward(const PoolShape& shape, const T* in, T* out, int8_t* places);

template <class T>
void maximum_backward(const PoolShape& shape, const T* gradient, const int8_t* places, T* out);

}  // namespace pdas
