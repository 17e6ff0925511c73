package report

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"

	"github.com/aweigh/aweigh"
)

// Pictures have no letters in them: those are in the page beside, for any size,
// colour scheme and screen reader. Their ground is transparent.
var (
	green = color.NRGBA{0x1c, 0x7a, 0x43, 0xff}
	red   = color.NRGBA{0xc2, 0x27, 0x27, 0xff}
	amber = color.NRGBA{0xc9, 0x7a, 0x12, 0xff}
	grey  = color.NRGBA{0x9a, 0xa2, 0xae, 0xff}
)

// density is how many pixels a picture has for each that it is shown in.
const density = 2

// canvas is a picture of a size as it is shown.
func canvas(width, height int) *image.NRGBA {
	return image.NewNRGBA(image.Rect(0, 0, width*density, height*density))
}

func fill(m *image.NRGBA, r image.Rectangle, c color.Color) {
	draw.Draw(m, r, image.NewUniform(c), image.Point{}, draw.Src)
}

func encode(m *image.NRGBA) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err) // a buffer takes all, and no side is 0
	}
	return b.Bytes()
}

// The size in which pictures are shown.
const (
	barsWidth, barsHeight   = 240, 36
	stripWidth, stripHeight = 240, 14
)

// readyBars are a service's newest starts: height is the time to the verdict,
// the tallest is the slowest, and colour is the verdict.
func readyBars(starts []aweigh.Start) []byte {
	const most = 60
	starts = starts[max(0, len(starts)-most):]
	var slowest int64 = 1
	for _, s := range starts {
		if s.TookMS != nil {
			slowest = max(slowest, *s.TookMS)
		}
	}
	m := canvas(barsWidth, barsHeight)
	height := m.Rect.Dy()
	for n, s := range starts {
		tall := 4
		if s.TookMS != nil {
			tall = max(tall, int(int64(height)**s.TookMS/slowest))
		}
		fill(m, slot(m.Rect, n, most, tall), verdictColour(s))
	}
	return encode(m)
}

func verdictColour(s aweigh.Start) color.Color {
	switch {
	case s.Verdict.Failed():
		return red
	case s.Verdict == aweigh.Ready && s.Run != nil && (s.Run.End == aweigh.RunCrashed || s.Run.End == aweigh.RunOOMKilled):
		return amber
	case s.Verdict == aweigh.Ready:
		return green
	}
	return grey
}

// countBars are numbers in the order of time, the tallest is the greatest.
func countBars(counts []int) []byte {
	greatest := 1
	for _, n := range counts {
		greatest = max(greatest, n)
	}
	m := canvas(2*barsWidth, barsHeight)
	for n, c := range counts {
		tall, paint := 2, color.Color(grey)
		if c > 0 {
			tall, paint = max(6, m.Rect.Dy()*c/greatest), red
		}
		fill(m, slot(m.Rect, n, len(counts), tall), paint)
	}
	return encode(m)
}

// strip is a promise's window, part by part.
func strip(parts []string) []byte {
	m := canvas(stripWidth, stripHeight)
	colours := map[string]color.Color{"good": green, "bad": red}
	for n, p := range parts {
		c := colours[p]
		if c == nil {
			c = grey
		}
		fill(m, slot(m.Rect, n, len(parts), m.Rect.Dy()), c)
	}
	return encode(m)
}

// slot is the n-th of many places beside each other, so tall from the ground.
func slot(all image.Rectangle, n, of, tall int) image.Rectangle {
	left, right := all.Dx()*n/of, all.Dx()*(n+1)/of
	return image.Rect(left, all.Dy()-tall, max(left+1, right-density), all.Dy())
}
