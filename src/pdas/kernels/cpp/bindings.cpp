// The operators as torch sees them: tensors in, tensors out, without gradients; pdas.kernels adds
// these and the shapes. This is the only file that needs torch's headers, which take long to compile.
#include <ATen/Dispatch.h>
#include <ATen/TensorIterator.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/library.h>

#include <optional>
#include <tuple>

#include "parallel.h"
#include "pointwise.h"
#include "pooling.h"
#include "separable.h"

namespace pdas {

// By way of an iterator over `count` bytes: it is torch's library that runs the threads, so this file
// needs no OpenMP of its own, which could be another one than torch's.
void parallel(int64_t count, const std::function<void(int64_t, int64_t)>& body) {
  if (count == 0) return;
  at::Tensor slots = at::empty({count}, at::kByte);
  const char* first = static_cast<const char*>(slots.data_ptr());
  auto iterator = at::TensorIteratorConfig()
                      .check_all_same_dtype(false)
                      .resize_outputs(false)
                      .declare_static_shape({count})
                      .add_output(slots)
                      .build();
  iterator.for_each(
      [&](char** data, const int64_t*, int64_t n) {
        const int64_t begin = data[0] - first;
        body(begin, begin + n);
      },
      /*grain_size=*/1);
}

namespace {

using at::Tensor;
using Optional = std::optional<Tensor>;
using Tensors = std::vector<Tensor>;

Tensor channels_last(const Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }

Tensor new_map(const Tensor& like, int64_t channels, int64_t height, int64_t width) {
  return at::empty({like.size(0), channels, height, width}, like.options(), at::MemoryFormat::ChannelsLast);
}

Tensor new_kept(const Tensor& like, int64_t height, int64_t width, int64_t channels) {
  return at::empty({like.size(0), height, width, channels}, like.options());
}

void check_map(const Tensor& x) {
  TORCH_CHECK(x.dim() == 4 && x.numel() > 0 && x.device().is_cpu(), "pdas: expected maps (N, C, H, W) on the CPU");
}

void check_like(const Tensor& x, const Tensor& tensor, at::IntArrayRef sizes) {
  TORCH_CHECK(tensor.sizes() == sizes && tensor.scalar_type() == x.scalar_type() && tensor.device().is_cpu(),
              "pdas: expected a tensor ", sizes, " of ", x.scalar_type(), ", found ", tensor.sizes(), " of ",
              tensor.scalar_type());
}

void check_norm(const Tensor& x, int64_t channels, const Optional& scale, const Optional& shift) {
  for (const Optional& each : {scale, shift}) {
    if (each) check_like(x, *each, {channels});
  }
}

Tensor statistics_of(const Optional& given, int64_t channels) {
  if (!given) return at::empty({2, channels}, at::kDouble);
  TORCH_CHECK(given->sizes() == at::IntArrayRef({2, channels}) && given->scalar_type() == at::kDouble,
              "pdas: expected statistics (2, ", channels, ") of double");
  return given->contiguous().clone();
}

template <class T>
const T* data_or_null(const Optional& tensor) {
  return tensor ? tensor->const_data_ptr<T>() : nullptr;
}

Optional contiguous(const Optional& tensor) { return tensor ? Optional(tensor->contiguous()) : std::nullopt; }

template <class T>
NormTensors<T> norm_tensors(const Tensor& statistics, const Optional& scale, const Optional& shift, double epsilon) {
  return {statistics.data_ptr<double>(), data_or_null<T>(scale), data_or_null<T>(shift), epsilon};
}

// (channels, 1, K, K) as (K * K, padded(channels)).
template <class T>
Numbers<T> pack_filters(const Tensor& filters) {
  const Tensor f = filters.contiguous();
  const int64_t channels = f.size(0), taps = f.size(2) * f.size(3), width = padded(channels);
  const T* from = f.const_data_ptr<T>();
  Numbers<T> packed(taps * width);
  for (int64_t c = 0; c < channels; c++) {
    for (int64_t k = 0; k < taps; k++) packed[k * width + c] = from[c * taps + k];
  }
  return packed;
}

template <class T>
Tensor unpack_filters(const Numbers<T>& packed, const Tensor& like) {
  const int64_t channels = like.size(0), taps = like.size(2) * like.size(3), width = padded(channels);
  Tensor filters = at::empty(like.sizes(), like.options());
  T* to = filters.data_ptr<T>();
  for (int64_t c = 0; c < channels; c++) {
    for (int64_t k = 0; k < taps; k++) to[c * taps + k] = packed[k * width + c];
  }
  return filters;
}

// Calls `visit(row of the packed matrix, input channel)`: the channels of each map begin at a
// multiple of kChannels.
template <class F>
void packed_rows(const std::vector<int64_t>& channels, F&& visit) {
  int64_t row = 0, channel = 0;
  for (const int64_t each : channels) {
    for (int64_t i = 0; i < each; i++) visit(row + i, channel + i);
    row += padded(each);
    channel += each;
  }
}

int64_t packed_height(const std::vector<int64_t>& channels) {
  int64_t rows = 0;
  for (const int64_t each : channels) rows += padded(each);
  return rows;
}

// (out, in, 1, 1) as (padded(in), padded(out)), `in` in parts.
template <class T>
Numbers<T> pack_mix(const Tensor& mix, const std::vector<int64_t>& channels) {
  const Tensor m = mix.contiguous();
  const int64_t out = m.size(0), in = m.size(1), width = padded(out);
  const T* from = m.const_data_ptr<T>();
  Numbers<T> packed(packed_height(channels) * width);
  packed_rows(channels, [&](int64_t row, int64_t i) {
    for (int64_t o = 0; o < out; o++) packed[row * width + o] = from[o * in + i];
  });
  return packed;
}

template <class T>
Tensor unpack_mix(const Numbers<T>& packed, const Tensor& like, const std::vector<int64_t>& channels) {
  const int64_t out = like.size(0), in = like.size(1), width = padded(out);
  Tensor mix = at::empty(like.sizes(), like.options());
  T* to = mix.data_ptr<T>();
  packed_rows(channels, [&](int64_t row, int64_t i) {
    for (int64_t o = 0; o < out; o++) to[o * in + i] = packed[row * width + o];
  });
  return mix;
}

template <class T>
void normalise_all(const Tensor& z, const Norm<T>& norm, const Segments& segments, const Optional& keep, Order order,
                   Tensor& out) {
  const int64_t width = z.size(3), pixels = z.size(1) * z.size(2), channels = out.size(1);
  const T *from = z.const_data_ptr<T>(), *factors = data_or_null<T>(keep);
  T* to = out.data_ptr<T>();
  parallel(z.size(0), [&](int64_t begin, int64_t end) {
    in_order(order, begin, end, [&](int64_t n) {
      normalise(from + n * pixels * width, norm, width, segments, factors ? factors[n] : T(1),
                to + n * pixels * channels, channels, pixels);
    });
  });
}

template <class T>
Numbers<double> all_gradient_sums(const Tensor& g, const Tensor& z, const Norm<T>& norm, const Segments& segments,
                                  const Optional& keep) {
  const int64_t images = z.size(0), width = z.size(3), pixels = z.size(1) * z.size(2), channels = g.size(1);
  const T *of = g.const_data_ptr<T>(), *from = z.const_data_ptr<T>(), *factors = data_or_null<T>(keep);
  Numbers<double> each(images * 2 * width), total(2 * width);
  parallel(images, [&](int64_t begin, int64_t end) {
    in_order(Order::kDown, begin, end, [&](int64_t n) {
      gradient_sums(of + n * pixels * channels, from + n * pixels * width, norm, width, segments,
                    factors ? factors[n] : T(1), channels, pixels, &each[n * 2 * width]);
    });
  });
  add_rows(each, images, 2 * width, total.data());
  return total;
}

// The gradients of scale and shift.
template <class T>
std::pair<Tensor, Tensor> affine_gradients(const Numbers<double>& sums, int64_t width, const Segments& segments,
                                           int64_t channels, const at::TensorOptions& options) {
  Tensor scale = at::empty({channels}, options), shift = at::empty({channels}, options);
  for (const Segment& s : segments) {
    for (int64_t i = 0; i < s.count; i++) {
      shift.data_ptr<T>()[s.from + i] = sums[s.at + i];
      scale.data_ptr<T>()[s.from + i] = sums[width + s.at + i];
    }
  }
  return {scale, shift};
}

// ---- separable convolution

std::pair<HalfShape, HalfShape> halves(const Tensor& x, const Tensor& filters1, const Tensor& mix1,
                                       const Tensor& filters2, const Tensor& mix2, int64_t stride) {
  check_map(x);
  const int64_t kernel = filters1.size(-1);
  TORCH_CHECK((kernel == 3 || kernel == 5) && (stride == 1 || stride == 2), "pdas: kernel ", kernel, ", stride ",
              stride);
  const HalfShape first{x.size(0), x.size(2), x.size(3), x.size(1), mix1.size(0), kernel, stride};
  const HalfShape second{x.size(0), first.out_height(), first.out_width(), mix1.size(0), mix2.size(0), kernel, 1};
  check_like(x, filters1, {first.in, 1, kernel, kernel});
  check_like(x, mix1, {first.out, first.in, 1, 1});
  check_like(x, filters2, {second.in, 1, kernel, kernel});
  check_like(x, mix2, {second.out, second.in, 1, 1});
  return {first, second};
}

// Where no gradient will be asked for, `keeps` is false, and one map is made in the place of another.
template <bool keeps>
std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor> separable_maps(
    const Tensor& x, const Tensor& filters1, const Tensor& mix1, const Optional& scale1, const Optional& shift1,
    const Optional& statistics1, const Tensor& filters2, const Tensor& mix2, const Optional& scale2,
    const Optional& shift2, const Optional& statistics2, const Optional& keep, int64_t stride, double epsilon) {
  const auto [first, second] = halves(x, filters1, mix1, filters2, mix2, stride);
  check_norm(x, first.out, scale1, shift1);
  check_norm(x, second.out, scale2, shift2);
  if (keep) check_like(x, *keep, {x.size(0)});
  const Tensor in = channels_last(x);
  const int64_t height = first.out_height(), width = first.out_width();
  const Optional s1 = contiguous(scale1), b1 = contiguous(shift1), s2 = contiguous(scale2), b2 = contiguous(shift2);
  Tensor of1 = statistics_of(statistics1, first.out), of2 = statistics_of(statistics2, second.out);
  Tensor out = new_map(x, second.out, height, width);
  const int64_t width1 = padded(first.out), width2 = padded(second.out);
  Tensor z2 = keeps || width2 != second.out ? new_kept(x, height, width, width2) : out.permute({0, 2, 3, 1});
  Tensor z1 = keeps || width1 != width2 ? new_kept(x, height, width, width1) : z2;
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "separable", [&] {
    using T = scalar_t;
    half_forward<T>(first, {in.const_data_ptr<T>(), first.in, nullptr}, pack_filters<T>(filters1),
                    pack_mix<T>(mix1, {first.in}), z1.data_ptr<T>(), of1.data_ptr<double>(), statistics1.has_value());
    const Norm<T> norm1(norm_tensors<T>(of1, s1, b1, epsilon), {{0, 0, first.out}}, first.out, padded(first.out));
    half_forward<T>(second, {z1.const_data_ptr<T>(), padded(first.out), &norm1}, pack_filters<T>(filters2),
                    pack_mix<T>(mix2, {second.in}), z2.data_ptr<T>(), of2.data_ptr<double>(),
                    statistics2.has_value());
    const Segments segments{{0, 0, second.out}};
    const Norm<T> norm2(norm_tensors<T>(of2, s2, b2, epsilon), segments, second.out, padded(second.out));
    normalise_all(z2, norm2, segments, contiguous(keep), Order::kDown, out);
  });
  return {out, z1, of1, z2, of2};
}

std::tuple<Tensor, Tensor, Tensor> separable_inference(
    const Tensor& x, const Tensor& filters1, const Tensor& mix1, const Optional& scale1, const Optional& shift1,
    const Optional& statistics1, const Tensor& filters2, const Tensor& mix2, const Optional& scale2,
    const Optional& shift2, const Optional& statistics2, const Optional& keep, int64_t stride, double epsilon) {
  const auto [out, z1, of1, z2, of2] =
      separable_maps<false>(x, filters1, mix1, scale1, shift1, statistics1, filters2, mix2, scale2, shift2,
                            statistics2, keep, stride, epsilon);
  return {out, of1, of2};
}

Tensors separable_gradients(const Tensor& gradient, const Tensor& x, const Tensor& filters1, const Tensor& mix1,
                           const Optional& scale1, const Optional& shift1, const Tensor& z1, const Tensor& statistics1,
                           const Tensor& filters2, const Tensor& mix2, const Optional& scale2, const Optional& shift2,
                           const Tensor& z2, const Tensor& statistics2, const Optional& keep, int64_t stride,
                           double epsilon, bool fixed) {
  const auto [first, second] = halves(x, filters1, mix1, filters2, mix2, stride);
  check_like(x, gradient, {x.size(0), second.out, first.out_height(), first.out_width()});
  const Tensor in = channels_last(x), g = channels_last(gradient);
  const Optional s1 = contiguous(scale1), b1 = contiguous(shift1), s2 = contiguous(scale2), b2 = contiguous(shift2);
  const Optional factors = contiguous(keep);
  Tensor of_x = new_map(x, first.in, first.height, first.width), of_z1 = at::empty_like(z1);
  Tensors all;
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "separable_backward", [&] {
    using T = scalar_t;
    const int64_t width1 = padded(first.out), width2 = padded(second.out);
    const Segments segments1{{0, 0, first.out}}, segments2{{0, 0, second.out}};
    const double count = static_cast<double>(x.size(0)) * first.out_pixels();
    const Norm<T> norm1(norm_tensors<T>(statistics1, s1, b1, epsilon), segments1, first.out, width1);
    const Norm<T> norm2(norm_tensors<T>(statistics2, s2, b2, epsilon), segments2, second.out, width2);
    const Numbers<double> sums2 = all_gradient_sums(g, z2, norm2, segments2, factors);
    const NormGradient<T> means2(sums2, width2, count, fixed);
    HalfGradients<T> gradients2{of_z1.data_ptr<T>(), {}, {}, {}};
    half_backward<T>(second, {z1.const_data_ptr<T>(), width1, &norm1}, pack_filters<T>(filters2),
                     pack_mix<T>(mix2, {second.in}),
                     {g.const_data_ptr<T>(), second.out, z2.const_data_ptr<T>(), norm2, means2,
                      data_or_null<T>(factors)},
                     gradients2);
    const NormGradient<T> means1(gradients2.sums, width1, count, fixed);
    HalfGradients<T> gradients1{of_x.data_ptr<T>(), {}, {}, {}};
    half_backward<T>(first, {in.const_data_ptr<T>(), first.in, nullptr}, pack_filters<T>(filters1),
                     pack_mix<T>(mix1, {first.in}),
                     {of_z1.const_data_ptr<T>(), width1, z1.const_data_ptr<T>(), norm1, means1, nullptr}, gradients1);
    const auto [of_scale1, of_shift1] =
        affine_gradients<T>(gradients2.sums, width1, segments1, first.out, x.options());
    const auto [of_scale2, of_shift2] = affine_gradients<T>(sums2, width2, segments2, second.out, x.options());
    all = {of_x,
           unpack_filters(gradients1.filters, filters1),
           unpack_mix(gradients1.mix, mix1, {first.in}),
           of_scale1,
           of_shift1,
           unpack_filters(gradients2.filters, filters2),
           unpack_mix(gradients2.mix, mix2, {second.in}),
           of_scale2,
           of_shift2};
  });
  return all;
}

// ---- 1x1 convolution and norm

// With two mixes the map is halved, and each is for one of the two sets of pixels.
PointwiseShape pointwise_shape(at::TensorList xs, at::TensorList mixes) {
  TORCH_CHECK(!xs.empty() && (mixes.size() == 1 || (mixes.size() == 2 && xs.size() == 1)), "pdas: ", xs.size(),
              " maps and ", mixes.size(), " weights");
  check_map(xs[0]);
  PointwiseShape s{xs[0].size(0), xs[0].size(2), xs[0].size(3), {}, mixes.size() == 2, {}, 0};
  int64_t in = 0;
  for (const Tensor& x : xs) {
    check_like(xs[0], x, {s.images, x.size(1), s.height, s.width});
    s.channels.push_back(x.size(1));
    in += x.size(1);
  }
  int64_t column = 0, row = 0;
  for (const Tensor& mix : mixes) {
    check_like(xs[0], mix, {mix.size(0), in, 1, 1});
    s.parts.push_back({row, packed_height(s.channels), {column, s.out, mix.size(0)}});
    row += packed_height(s.channels);
    column += padded(mix.size(0));
    s.out += mix.size(0);
  }
  return s;
}

template <class T>
std::vector<Numbers<T>> pack_mixes(at::TensorList mixes, const PointwiseShape& shape) {
  std::vector<Numbers<T>> packed;
  for (const Tensor& mix : mixes) packed.push_back(pack_mix<T>(mix, shape.channels));
  return packed;
}

template <class T>
std::vector<const T*> pointers(const Tensors& maps) {
  std::vector<const T*> all;
  for (const Tensor& map : maps) all.push_back(map.const_data_ptr<T>());
  return all;
}

Tensors all_channels_last(at::TensorList maps) {
  Tensors all;
  for (const Tensor& map : maps) all.push_back(channels_last(map));
  return all;
}

template <bool keeps>
std::tuple<Tensor, Tensor, Tensor> pointwise_maps(at::TensorList xs, at::TensorList mixes, const Optional& scale,
                                                  const Optional& shift, const Optional& statistics,
                                                  const Optional& keep, double epsilon) {
  const PointwiseShape s = pointwise_shape(xs, mixes);
  const Tensor& x = xs[0];
  check_norm(x, s.out, scale, shift);
  if (keep) check_like(x, *keep, {s.images});
  const Tensors in = all_channels_last(xs);
  const Optional scales = contiguous(scale), shifts = contiguous(shift);
  Tensor of = statistics_of(statistics, s.out), out = new_map(x, s.out, s.out_height(), s.out_width());
  Tensor z = keeps || s.kept() != s.out ? new_kept(x, s.out_height(), s.out_width(), s.kept())
                                        : out.permute({0, 2, 3, 1});
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "pointwise", [&] {
    using T = scalar_t;
    pointwise_forward<T>(s, pointers<T>(in), pack_mixes<T>(mixes, s), z.data_ptr<T>(), of.data_ptr<double>(),
                         statistics.has_value());
    const Norm<T> norm(norm_tensors<T>(of, scales, shifts, epsilon), s.segments(), s.out, s.kept());
    normalise_all(z, norm, s.segments(), contiguous(keep), Order::kUp, out);
  });
  return {out, z, of};
}

std::tuple<Tensor, Tensor> pointwise_inference(at::TensorList xs, at::TensorList mixes, const Optional& scale,
                                               const Optional& shift, const Optional& statistics,
                                               const Optional& keep, double epsilon) {
  const auto [out, z, of] = pointwise_maps<false>(xs, mixes, scale, shift, statistics, keep, epsilon);
  return {out, of};
}

// The gradients of the maps, of the mixes, of scale and of shift, one after the other.
Tensors pointwise_gradients(const Tensor& gradient, at::TensorList xs, at::TensorList mixes, const Optional& scale,
                           const Optional& shift, const Tensor& z, const Tensor& statistics, const Optional& keep,
                           double epsilon, bool fixed) {
  const PointwiseShape s = pointwise_shape(xs, mixes);
  check_like(xs[0], gradient, {s.images, s.out, s.out_height(), s.out_width()});
  const Tensors in = all_channels_last(xs);
  const Tensor g = channels_last(gradient);
  const Optional scales = contiguous(scale), shifts = contiguous(shift), factors = contiguous(keep);
  Tensors all;
  for (const Tensor& x : in) all.push_back(new_map(x, x.size(1), s.height, s.width));
  AT_DISPATCH_FLOATING_TYPES(g.scalar_type(), "pointwise_backward", [&] {
    using T = scalar_t;
    const Norm<T> norm(norm_tensors<T>(statistics, scales, shifts, epsilon), s.segments(), s.out, s.kept());
    const Numbers<double> sums = all_gradient_sums(g, z, norm, s.segments(), factors);
    const double count = static_cast<double>(s.images) * s.out_pixels();
    const NormGradient<T> means(sums, s.kept(), count, fixed);
    std::vector<T*> of_maps;
    for (Tensor& each : all) of_maps.push_back(each.data_ptr<T>());
    std::vector<Numbers<T>> of_mixes;
    pointwise_backward<T>(s, pointers<T>(in), pack_mixes<T>(mixes, s),
                          {g.const_data_ptr<T>(), z.const_data_ptr<T>(), norm, means, data_or_null<T>(factors)},
                          of_maps, of_mixes);
    for (size_t i = 0; i < mixes.size(); i++) all.push_back(unpack_mix(of_mixes[i], mixes[i], s.channels));
    const auto [of_scale, of_shift] = affine_gradients<T>(sums, s.kept(), s.segments(), s.out, g.options());
    all.push_back(of_scale);
    all.push_back(of_shift);
  });
  return all;
}

// ---- pooling

PoolShape pool_shape(const Tensor& x, int64_t height, int64_t width, int64_t stride) {
  check_map(x);
  TORCH_CHECK(stride == 1 || stride == 2, "pdas: stride ", stride);
  return {x.size(0), height, width, x.size(1), stride};
}

Tensor average_pool(const Tensor& x, int64_t stride) {
  const PoolShape s = pool_shape(x, x.size(2), x.size(3), stride);
  const Tensor in = channels_last(x);
  Tensor out = new_map(x, s.channels, s.out_height(), s.out_width());
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "average_pool", [&] {
    average_forward(s, in.const_data_ptr<scalar_t>(), out.data_ptr<scalar_t>());
  });
  return out;
}

Tensor average_pool_backward(const Tensor& gradient, int64_t stride, int64_t height, int64_t width) {
  const PoolShape s = pool_shape(gradient, height, width, stride);
  check_like(gradient, gradient, {s.images, s.channels, s.out_height(), s.out_width()});
  const Tensor g = channels_last(gradient);
  Tensor out = new_map(g, s.channels, height, width);
  AT_DISPATCH_FLOATING_TYPES(g.scalar_type(), "average_pool_backward", [&] {
    average_backward(s, g.const_data_ptr<scalar_t>(), out.data_ptr<scalar_t>());
  });
  return out;
}

std::tuple<Tensor, Tensor> max_pool(const Tensor& x, int64_t stride) {
  const PoolShape s = pool_shape(x, x.size(2), x.size(3), stride);
  const Tensor in = channels_last(x);
  Tensor out = new_map(x, s.channels, s.out_height(), s.out_width());
  Tensor places = at::empty(out.sizes(), out.options().dtype(at::kChar), at::MemoryFormat::ChannelsLast);
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "max_pool", [&] {
    maximum_forward(s, in.const_data_ptr<scalar_t>(), out.data_ptr<scalar_t>(), places.data_ptr<int8_t>());
  });
  return {out, places};
}

Tensor max_pool_backward(const Tensor& gradient, const Tensor& places, int64_t stride, int64_t height,
                             int64_t width) {
  const PoolShape s = pool_shape(gradient, height, width, stride);
  check_like(gradient, gradient, {s.images, s.channels, s.out_height(), s.out_width()});
  TORCH_CHECK(places.sizes() == gradient.sizes() && places.scalar_type() == at::kChar, "pdas: places of other maps");
  const Tensor g = channels_last(gradient), which = channels_last(places);
  Tensor out = new_map(g, s.channels, height, width);
  AT_DISPATCH_FLOATING_TYPES(g.scalar_type(), "max_pool_backward", [&] {
    maximum_backward(s, g.const_data_ptr<scalar_t>(), which.const_data_ptr<int8_t>(), out.data_ptr<scalar_t>());
  });
  return out;
}

}  // namespace
}  // namespace pdas

TORCH_LIBRARY(pdas, library) {
  library.def(
      "separable(Tensor x, Tensor filters1, Tensor mix1, Tensor? scale1, Tensor? shift1, Tensor? statistics1, "
      "Tensor filters2, Tensor mix2, Tensor? scale2, Tensor? shift2, Tensor? statistics2, Tensor? keep, int stride, "
      "float epsilon) -> (Tensor, Tensor, Tensor, Tensor, Tensor)");
  library.def(
      "separable_inference(Tensor x, Tensor filters1, Tensor mix1, Tensor? scale1, Tensor? shift1, "
      "Tensor? statistics1, Tensor filters2, Tensor mix2, Tensor? scale2, Tensor? shift2, Tensor? statistics2, "
      "Tensor? keep, int stride, float epsilon) -> (Tensor, Tensor, Tensor)");
  library.def(
      "separable_backward(Tensor gradient, Tensor x, Tensor filters1, Tensor mix1, Tensor? scale1, Tensor? shift1, "
      "Tensor z1, Tensor statistics1, Tensor filters2, Tensor mix2, Tensor? scale2, Tensor? shift2, Tensor z2, "
      "Tensor statistics2, Tensor? keep, int stride, float epsilon, bool fixed) -> Tensor[]");
  library.def(
      "pointwise(Tensor[] xs, Tensor[] mixes, Tensor? scale, Tensor? shift, Tensor? statistics, Tensor? keep, "
      "float epsilon) -> (Tensor, Tensor, Tensor)");
  library.def(
      "pointwise_inference(Tensor[] xs, Tensor[] mixes, Tensor? scale, Tensor? shift, Tensor? statistics, "
      "Tensor? keep, float epsilon) -> (Tensor, Tensor)");
  library.def(
      "pointwise_backward(Tensor gradient, Tensor[] xs, Tensor[] mixes, Tensor? scale, Tensor? shift, Tensor z, "
      "Tensor statistics, Tensor? keep, float epsilon, bool fixed) -> Tensor[]");
  library.def("average_pool(Tensor x, int stride) -> Tensor");
  library.def("average_pool_backward(Tensor gradient, int stride, SymInt height, SymInt width) -> Tensor");
  library.def("max_pool(Tensor x, int stride) -> (Tensor, Tensor)");
  library.def(
      "max_pool_backward(Tensor gradient, Tensor places, int stride, SymInt height, SymInt width) -> Tensor");
}

TORCH_LIBRARY_IMPL(pdas, CPU, library) {
  library.impl("separable", &pdas::separable_maps<true>);
  library.impl("separable_inference", &pdas::separable_inference);
  library.impl("separable_backward", &pdas::separable_gradients);
  library.impl("pointwise", &pdas::pointwise_maps<true>);
  library.impl("pointwise_inference", &pdas::pointwise_inference);
  library.impl("pointwise_backward", &pdas::pointwise_gradients);
  library.impl("average_pool", &pdas::average_pool);
  library.impl("average_pool_backward", &pdas::average_pool_backward);
  library.impl("max_pool", &pdas::max_pool);
  library.impl("max_pool_backward", &pdas::max_pool_backward);
}
