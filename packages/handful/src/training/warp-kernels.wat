;; What warp.ts runs: an affine map of one image with bilinear resampling, and for colour what follows of it. All numbers are
;; float64, in the order of the equations in warp.ts, so that each byte is what those equations round to.
;; Compiled by scripts/compile-kernels.ts.
(module
  (import "memory" "memory" (memory 1))

  ;; Images are [size, size, 3], bytes, and [side, side, 3]; a row and eight bytes behind $from may be read, and count for nothing.
  ;; Output (x, y) from its centre reads (a x + b y + e, c x + d y + f) from the image's centre.
  (func (export "colour")
    (param $from i32) (param $to i32) (param $size i32) (param $side i32)
    (param $a f64) (param $b f64) (param $c f64) (param $d f64) (param $e f64) (param $f f64)
    (param $recolours i32) (param $brightness f64) (param $contrast f64) (param $saturation f64)
    (local $row i32) (local $column i32) (local $last i32) (local $stride i32) (local $at i32)
    (local $half f64) (local $x f64) (local $blue f64) (local $grey f64)
    (local $perColumn v128) (local $ofRow v128) (local $shift v128) (local $centre v128) (local $end v128)
    (local $zero v128) (local $one v128) (local $rounding v128) (local $bits v128) (local $middle v128) (local $most v128)
    (local $brightnesses v128) (local $contrasts v128) (local $saturations v128) (local $greys v128)
    (local $place v128) (local $whole v128) (local $after v128) (local $before v128)
    (local $right v128) (local $left v128) (local $upper v128) (local $lower v128)
    (local $upperLeft v128) (local $upperRight v128) (local $lowerLeft v128) (local $lowerRight v128)
    (local $redGreen v128) (local $blues v128)
    (local.set $one (f64x2.splat (f64.const 1)))
    (local.set $rounding (f64x2.splat (f64.const 0.5)))
    (local.set $middle (f64x2.splat (f64.const 128)))
    (local.set $most (f64x2.splat (f64.const 255)))
    ;; The lower bits of 2^52 + n are n.
    (local.set $bits (f64x2.splat (f64.const 4503599627370496)))
    (local.set $brightnesses (f64x2.splat (local.get $brightness)))
    (local.set $contrasts (f64x2.splat (local.get $contrast)))
    (local.set $saturations (f64x2.splat (local.get $saturation)))
    (local.set $last (i32.sub (local.get $size) (i32.const 1)))
    (local.set $stride (i32.mul (local.get $size) (i32.const 3)))
    (local.set $half (f64.div (f64.convert_i32_s (i32.sub (local.get $side) (i32.const 1))) (f64.const 2)))
    (local.set $centre (f64x2.splat (f64.div (f64.convert_i32_s (local.get $last)) (f64.const 2))))
    (local.set $end (f64x2.splat (f64.convert_i32_s (local.get $last))))
    (local.set $perColumn (f64x2.replace_lane 1 (f64x2.splat (local.get $a)) (local.get $c)))
    (local.set $shift (f64x2.replace_lane 1 (f64x2.splat (local.get $e)) (local.get $f)))
    (loop $rows
      (local.set $ofRow
        (f64x2.mul
          (f64x2.replace_lane 1 (f64x2.splat (local.get $b)) (local.get $d))
          (f64x2.splat (f64.sub (f64.convert_i32_s (local.get $row)) (local.get $half)))))
      (local.set $column (i32.const 0))
      (local.set $x (f64.sub (f64.const 0) (local.get $half)))
      (loop $columns
        ;; Across and down, kept within the image.
        (local.set $place
          (f64x2.pmin
            (f64x2.pmax
              (f64x2.add
                (f64x2.add
                  (f64x2.add (f64x2.mul (local.get $perColumn) (f64x2.splat (local.get $x))) (local.get $ofRow))
                  (local.get $shift))
                (local.get $centre))
              (local.get $zero))
            (local.get $end)))
        (local.set $whole (f64x2.trunc (local.get $place)))
        (local.set $after (f64x2.sub (local.get $place) (local.get $whole)))
        (local.set $before (f64x2.sub (local.get $one) (local.get $after)))
        (local.set $right (f64x2.splat (f64x2.extract_lane 0 (local.get $after))))
        (local.set $left (f64x2.splat (f64x2.extract_lane 0 (local.get $before))))
        (local.set $whole (f64x2.add (local.get $whole) (local.get $bits)))
        (local.set $at
          (i32.add (local.get $from)
            (i32.add
              (i32.mul (i32x4.extract_lane 2 (local.get $whole)) (local.get $stride))
              (i32.mul (i32x4.extract_lane 0 (local.get $whole)) (i32.const 3)))))
        ;; Two neighbouring pixels at once. What lies beyond the last one has a weight of 0.
        (local.set $upper (v128.load64_zero (local.get $at)))
        (local.set $lower (v128.load64_zero (i32.add (local.get $at) (local.get $stride))))
        (local.set $upperRight
          (i32x4.extend_low_i16x8_u (i16x8.extend_low_i8x16_u
            (i8x16.shuffle 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 (local.get $upper) (local.get $upper)))))
        (local.set $upperLeft (i32x4.extend_low_i16x8_u (i16x8.extend_low_i8x16_u (local.get $upper))))
        (local.set $lowerRight
          (i32x4.extend_low_i16x8_u (i16x8.extend_low_i8x16_u
            (i8x16.shuffle 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 (local.get $lower) (local.get $lower)))))
        (local.set $lowerLeft (i32x4.extend_low_i16x8_u (i16x8.extend_low_i8x16_u (local.get $lower))))
        ;; Red and green side by side, of the upper and of the lower row.
        (local.set $redGreen
          (f64x2.trunc
            (f64x2.add
              (f64x2.add
                (f64x2.mul
                  (f64x2.add
                    (f64x2.mul (f64x2.convert_low_i32x4_s (local.get $upperLeft)) (local.get $left))
                    (f64x2.mul (f64x2.convert_low_i32x4_s (local.get $upperRight)) (local.get $right)))
                  (f64x2.splat (f64x2.extract_lane 1 (local.get $before))))
                (f64x2.mul
                  (f64x2.add
                    (f64x2.mul (f64x2.convert_low_i32x4_s (local.get $lowerLeft)) (local.get $left))
                    (f64x2.mul (f64x2.convert_low_i32x4_s (local.get $lowerRight)) (local.get $right)))
                  (f64x2.splat (f64x2.extract_lane 1 (local.get $after)))))
              (local.get $rounding))))
        ;; Blue of both rows side by side.
        (local.set $blues
          (f64x2.add
            (f64x2.mul
              (f64x2.convert_low_i32x4_s
                (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $upperLeft) (local.get $lowerLeft)))
              (local.get $left))
            (f64x2.mul
              (f64x2.convert_low_i32x4_s
                (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $upperRight) (local.get $lowerRight)))
              (local.get $right))))
        (local.set $blue
          (f64.trunc
            (f64.add
              (f64.add
                (f64.mul (f64x2.extract_lane 0 (local.get $blues)) (f64x2.extract_lane 1 (local.get $before)))
                (f64.mul (f64x2.extract_lane 1 (local.get $blues)) (f64x2.extract_lane 1 (local.get $after))))
              (f64.const 0.5))))
        (if (local.get $recolours)
          (then
            (local.set $grey
              (f64.div
                (f64.add
                  (f64.add (f64x2.extract_lane 0 (local.get $redGreen)) (f64x2.extract_lane 1 (local.get $redGreen)))
                  (local.get $blue))
                (f64.const 3)))
            (local.set $greys (f64x2.splat (local.get $grey)))
            (local.set $redGreen
              (f64x2.pmin
                (f64x2.pmax
                  (f64x2.add
                    (f64x2.add
                      (f64x2.add
                        (f64x2.mul
                          (f64x2.sub
                            (f64x2.add (local.get $greys)
                              (f64x2.mul (f64x2.sub (local.get $redGreen) (local.get $greys)) (local.get $saturations)))
                            (local.get $middle))
                          (local.get $contrasts))
                        (local.get $middle))
                      (local.get $brightnesses))
                    (local.get $rounding))
                  (local.get $zero))
                (local.get $most)))
            (local.set $redGreen (f64x2.trunc (local.get $redGreen)))
            (local.set $blues
              (f64x2.splat
                (f64.add
                  (f64.add
                    (f64.add
                      (f64.mul
                        (f64.sub
                          (f64.add (local.get $grey)
                            (f64.mul (f64.sub (local.get $blue) (local.get $grey)) (local.get $saturation)))
                          (f64.const 128))
                        (local.get $contrast))
                      (f64.const 128))
                    (local.get $brightness))
                  (f64.const 0.5))))
            (local.set $blue
              (f64.trunc
                (f64x2.extract_lane 0
                  (f64x2.pmin (f64x2.pmax (local.get $blues) (local.get $zero)) (local.get $most)))))))
        (local.set $redGreen (f64x2.add (local.get $redGreen) (local.get $bits)))
        (v128.store8_lane 0 (local.get $to) (local.get $redGreen))
        (v128.store8_lane offset=1 8 (local.get $to) (local.get $redGreen))
        (i64.store8 offset=2 (local.get $to)
          (i64.reinterpret_f64 (f64.add (local.get $blue) (f64.const 4503599627370496))))
        (local.set $to (i32.add (local.get $to) (i32.const 3)))
        (local.set $x (f64.add (local.get $x) (f64.const 1)))
        (local.set $column (i32.add (local.get $column) (i32.const 1)))
        (br_if $columns (i32.lt_s (local.get $column) (local.get $side))))
      (local.set $row (i32.add (local.get $row) (i32.const 1)))
      (br_if $rows (i32.lt_s (local.get $row) (local.get $side)))))

  ;; The same for images [size, size], whose brightness stays.
  (func (export "grey")
    (param $from i32) (param $to i32) (param $size i32) (param $side i32)
    (param $a f64) (param $b f64) (param $c f64) (param $d f64) (param $e f64) (param $f f64)
    (local $row i32) (local $column i32) (local $last i32)
    (local $at i32) (local $below i32) (local $step i32)
    (local $half f64) (local $centre f64) (local $x f64) (local $y f64) (local $end f64)
    (local $u f64) (local $v f64) (local $ofRowU f64) (local $ofRowV f64) (local $u0 f64) (local $v0 f64)
    (local.set $last (i32.sub (local.get $size) (i32.const 1)))
    (local.set $end (f64.convert_i32_s (local.get $last)))
    (local.set $centre (f64.div (local.get $end) (f64.const 2)))
    (local.set $half (f64.div (f64.convert_i32_s (i32.sub (local.get $side) (i32.const 1))) (f64.const 2)))
    (loop $rows
      (local.set $y (f64.sub (f64.convert_i32_s (local.get $row)) (local.get $half)))
      (local.set $ofRowU (f64.mul (local.get $b) (local.get $y)))
      (local.set $ofRowV (f64.mul (local.get $d) (local.get $y)))
      (local.set $column (i32.const 0))
      (loop $columns
        (local.set $x (f64.sub (f64.convert_i32_s (local.get $column)) (local.get $half)))
        (local.set $u
          (f64.min
            (f64.max
              (f64.add (f64.add (f64.add (f64.mul (local.get $a) (local.get $x)) (local.get $ofRowU)) (local.get $e)) (local.get $centre))
              (f64.const 0))
            (local.get $end)))
        (local.set $v
          (f64.min
            (f64.max
              (f64.add (f64.add (f64.add (f64.mul (local.get $c) (local.get $x)) (local.get $ofRowV)) (local.get $f)) (local.get $centre))
              (f64.const 0))
            (local.get $end)))
        (local.set $u0 (f64.trunc (local.get $u)))
        (local.set $v0 (f64.trunc (local.get $v)))
        (local.set $step (f64.lt (local.get $u0) (local.get $end)))
        (local.set $below
          (select (local.get $size) (i32.const 0) (f64.lt (local.get $v0) (local.get $end))))
        (local.set $at
          (i32.add (local.get $from)
            (i32.add
              (i32.mul (i32.trunc_f64_s (local.get $v0)) (local.get $size))
              (i32.trunc_f64_s (local.get $u0)))))
        (local.set $u (f64.sub (local.get $u) (local.get $u0)))
        (local.set $v (f64.sub (local.get $v) (local.get $v0)))
        (i32.store8 (local.get $to)
          (i32.trunc_f64_s
            (f64.add
              (f64.add
                (f64.mul
                  (f64.add
                    (f64.mul (f64.convert_i32_s (i32.load8_u (local.get $at))) (f64.sub (f64.const 1) (local.get $u)))
                    (f64.mul (f64.convert_i32_s (i32.load8_u (i32.add (local.get $at) (local.get $step)))) (local.get $u)))
                  (f64.sub (f64.const 1) (local.get $v)))
                (f64.mul
                  (f64.add
                    (f64.mul
                      (f64.convert_i32_s (i32.load8_u (i32.add (local.get $at) (local.get $below))))
                      (f64.sub (f64.const 1) (local.get $u)))
                    (f64.mul
                      (f64.convert_i32_s
                        (i32.load8_u (i32.add (i32.add (local.get $at) (local.get $below)) (local.get $step))))
                      (local.get $u)))
                  (local.get $v)))
              (f64.const 0.5))))
        (local.set $to (i32.add (local.get $to) (i32.const 1)))
        (local.set $column (i32.add (local.get $column) (i32.const 1)))
        (br_if $columns (i32.lt_s (local.get $column) (local.get $side))))
      (local.set $row (i32.add (local.get $row) (i32.const 1)))
      (br_if $rows (i32.lt_s (local.get $row) (local.get $side))))))
