// ReLU, 1x1 convolution and norm: of several maps side by side, or of alternate pixels of one map.
#pragma once

#include "norm.h"

namespace pdas {

// Columns [at, at + inner) of what is gathered for an image, times weights (inner, padded(count)),
// give a segment of z.
struct Part {
  int64_t at, inner;
  Segment segment;
};

struct PointwiseShape {
  int64_t images, height, width;  // of the input
  std::vector<int64_t> channels;  // of each map
  bool halved;                    // one map; its even pixels, and those one row and column further
  std::vector<Part> parts;
  int64_t out;  // channels

  int64_t out_height() const { return halved ? (height + 1) / 2 : height; }
  int64_t out_width() const { return halved ? (width + 1) / 2 : width; }
  int64_t out_pixels() const { return out_height() * out_width(); }
  int64_t pixels() const { return height * width; }

  int64_t gathered() const { return parts.back().at + parts.back().inner; }
  int64_t kept() const { return parts.back().segment.at + padded(parts.back().segment.count); }
  Segments segments() const {
    Segments all;
    for (const Part& part : parts) all.push_back(part.segment);
    return all;
  }
};

// As `half_forward`; the weights are one matrix for each part.
template <class T>
void pointwise_forward(const PointwiseShape& shape, const std::vector<const T*>& maps,
                       const std::vector<Numbers<T>>& weights, T* z, double* statistics, bool fixed);

template <class T>
struct PointwiseOutput {
  const T* gradient;
  const T* z;
  const Norm<T>& norm;
  const NormGradient<T>& means;
  const T* keep;  // a factor for each image, or null
};

// Fills the gradients of the maps, and of the weights as these are laid out.
template <class T>
void pointwise_backward(const PointwiseShape& shape, const std::vector<const T*>& maps,
                        const std::vector<Numbers<T>>& weights, const PointwiseOutput<T>& output,
                        const std::vector<T*>& of_maps, std::vector<Numbers<T>>& of_weights);

}  // namespace pdas
