// A separable convolution: twice ReLU, depthwise and 1x1 convolution, norm.
#pragma once

#include "norm.h"

namespace pdas {

// The sizes of one half. Filters are (kernel * kernel, padded(in)), the mix (in, padded(out)).
struct HalfShape {
  int64_t images, height, width, in, out, kernel, stride;

  int64_t out_height() const { return (height + stride - 1) / stride; }
  int64_t out_width() const { return (width + stride - 1) / stride; }
  int64_t out_pixels() const { return out_height() * out_width(); }
  int64_t pixels() const { return height * width; }
};

// What a half reads: torch's map, or the kept map of the half before with its norm.
template <class T>
struct HalfInput {
  const T* data;
  int64_t channels;     // from pixel to pixel
  const Norm<T>* norm;  // null for torch's map
};

// Fills `z` (images, pixels, padded(out)) and, unless they are given, the statistics.
template <class T>
void half_forward(const HalfShape& shape, const HalfInput<T>& input, const Numbers<T>& filters,
                  const Numbers<T>& mix, T* z, double* statistics, bool fixed);

// The gradient of the norm that follows a half, as its gradient of z is computed when it is read.
template <class T>
struct HalfOutput {
  const T* gradient;
  int64_t channels;  // of the gradient, from pixel to pixel
  const T* z;
  const Norm<T>& norm;
  const NormGradient<T>& means;
  const T* keep;  // a factor for each image, or null
};

template <class T>
struct HalfGradients {
  T* input;              // as the input is laid out
  Numbers<T> filters;    // (kernel * kernel, padded(in))
  Numbers<T> mix;        // (padded(in), padded(out))
  Numbers<double> sums;  // of the norm of the input, (2, padded(in))
};

template <class T>
void half_backward(const HalfShape& shape, const HalfInput<T>& input, const Numbers<T>& filters,
                   const Numbers<T>& mix, const HalfOutput<T>& output, HalfGradients<T>& gradients);

}  // namespace pdas
