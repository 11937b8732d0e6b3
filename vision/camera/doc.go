// Package camera takes pictures from cameras: an RTSP stream, a video device, a video file, or MJPEG over HTTP goes in;
// upright rasters with the time at which they were taken come out, the newest first where nobody keeps up. A camera that is
// lost is opened again, ever less often, until it answers; pictures that can't be read are counted and left out. RTSP, devices
// and files need OpenCV (build tags gocv_specific_modules and gocv_videoio); without it they are refused by name, and MJPEG over
// HTTP works all the same.
package camera
