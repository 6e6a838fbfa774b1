"""How restored images are judged (paper, section 4.2)."""

from pdas.support.metrics import Metric

PSNR = Metric("psnr", "PSNR", "dB", ".2f", "higher", short="psnr")
SSIM = Metric("ssim", "SSIM", format=".4f", better="higher")
QUALITY = (PSNR, SSIM)  # of each image
METRICS = (*QUALITY, Metric("images", "test images", format=",.0f"))
