"""How restored images are judged (paper, section 4.2); the first decides, as in the paper."""

from pdas.support.metrics import Metric

PSNR = Metric("psnr", "PSNR", "dB", ".2f", "higher", short="psnr")
COMPOSITED_PSNR = Metric("psnr_composited", "composited PSNR", "dB", ".2f", "higher")
HIDDEN_PSNR = Metric("psnr_hidden", "PSNR of hidden pixels", "dB", ".2f", "higher")
SSIM = Metric("ssim", "SSIM", format=".4f", better="higher")
COMPOSITED_SSIM = Metric("ssim_composited", "composited SSIM", format=".4f", better="higher")
METRICS = (PSNR, COMPOSITED_PSNR, HIDDEN_PSNR, SSIM, COMPOSITED_SSIM)
