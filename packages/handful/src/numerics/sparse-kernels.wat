;; What sparse-kernels.ts runs: a sparse matrix times 16 dense columns at once, in float32 vectors of four. Addresses are
;; in bytes; a dense block is [rows, columns], row after row, and a row of 16 columns is 64 bytes.
;; Compiled by scripts/compile-kernels.ts.
(module
  (import "memory" "memory" (memory 1))

  ;; out = factor S x + own x + older past for rows from $row up to $end. Rows are $stride bytes long, a multiple of 64.
  ;; $past may be $out.
  (func (export "product")
    (param $row i32) (param $end i32) (param $stride i32)
    (param $offsets i32) (param $columns i32) (param $values i32)
    (param $x i32) (param $past i32) (param $out i32)
    (param $factor f32) (param $own f32) (param $older f32)
    (local $first i32) (local $last i32) (local $at i32) (local $lane i32) (local $from i32) (local $to i32)
    (local $weight v128) (local $s0 v128) (local $s1 v128) (local $s2 v128) (local $s3 v128)
    (block $done
      (loop $rows
        (br_if $done (i32.ge_u (local.get $row) (local.get $end)))
        (local.set $from (i32.add (local.get $offsets) (i32.shl (local.get $row) (i32.const 2))))
        (local.set $first (i32.load (local.get $from)))
        (local.set $last (i32.load offset=4 (local.get $from)))
        (local.set $lane (i32.const 0))
        (loop $lanes
          (local.set $s0 (v128.const f32x4 0 0 0 0))
          (local.set $s1 (v128.const f32x4 0 0 0 0))
          (local.set $s2 (v128.const f32x4 0 0 0 0))
          (local.set $s3 (v128.const f32x4 0 0 0 0))
          (local.set $at (local.get $first))
          (block $summed
            (loop $entries
              (br_if $summed (i32.ge_u (local.get $at) (local.get $last)))
              (local.set $weight
                (v128.load32_splat (i32.add (local.get $values) (i32.shl (local.get $at) (i32.const 2)))))
              (local.set $from
                (i32.add (i32.add (local.get $x) (local.get $lane))
                  (i32.mul (local.get $stride)
                    (i32.load (i32.add (local.get $columns) (i32.shl (local.get $at) (i32.const 2)))))))
              (local.set $s0
                (f32x4.add (local.get $s0) (f32x4.mul (local.get $weight) (v128.load (local.get $from)))))
              (local.set $s1
                (f32x4.add (local.get $s1) (f32x4.mul (local.get $weight) (v128.load offset=16 (local.get $from)))))
              (local.set $s2
                (f32x4.add (local.get $s2) (f32x4.mul (local.get $weight) (v128.load offset=32 (local.get $from)))))
              (local.set $s3
                (f32x4.add (local.get $s3) (f32x4.mul (local.get $weight) (v128.load offset=48 (local.get $from)))))
              (local.set $at (i32.add (local.get $at) (i32.const 1)))
              (br $entries)))
          (local.set $weight (f32x4.splat (local.get $factor)))
          (local.set $s0 (f32x4.mul (local.get $weight) (local.get $s0)))
          (local.set $s1 (f32x4.mul (local.get $weight) (local.get $s1)))
          (local.set $s2 (f32x4.mul (local.get $weight) (local.get $s2)))
          (local.set $s3 (f32x4.mul (local.get $weight) (local.get $s3)))
          (local.set $to (i32.add (i32.mul (local.get $row) (local.get $stride)) (local.get $lane)))
          (local.set $weight (f32x4.splat (local.get $own)))
          (local.set $from (i32.add (local.get $x) (local.get $to)))
          (local.set $s0
            (f32x4.add (local.get $s0) (f32x4.mul (local.get $weight) (v128.load (local.get $from)))))
          (local.set $s1
            (f32x4.add (local.get $s1) (f32x4.mul (local.get $weight) (v128.load offset=16 (local.get $from)))))
          (local.set $s2
            (f32x4.add (local.get $s2) (f32x4.mul (local.get $weight) (v128.load offset=32 (local.get $from)))))
          (local.set $s3
            (f32x4.add (local.get $s3) (f32x4.mul (local.get $weight) (v128.load offset=48 (local.get $from)))))
          (local.set $weight (f32x4.splat (local.get $older)))
          (local.set $from (i32.add (local.get $past) (local.get $to)))
          (local.set $to (i32.add (local.get $out) (local.get $to)))
          (v128.store (local.get $to)
            (f32x4.add (local.get $s0) (f32x4.mul (local.get $weight) (v128.load (local.get $from)))))
          (v128.store offset=16 (local.get $to)
            (f32x4.add (local.get $s1) (f32x4.mul (local.get $weight) (v128.load offset=16 (local.get $from)))))
          (v128.store offset=32 (local.get $to)
            (f32x4.add (local.get $s2) (f32x4.mul (local.get $weight) (v128.load offset=32 (local.get $from)))))
          (v128.store offset=48 (local.get $to)
            (f32x4.add (local.get $s3) (f32x4.mul (local.get $weight) (v128.load offset=48 (local.get $from)))))
          (local.set $lane (i32.add (local.get $lane) (i32.const 64)))
          (br_if $lanes (i32.lt_u (local.get $lane) (local.get $stride))))
        (local.set $row (i32.add (local.get $row) (i32.const 1)))
        (br $rows))))

  ;; sums = the inner products of the 16 columns of a and b over the bytes from $at up to $end of both blocks
  (func (export "dot")
    (param $at i32) (param $end i32) (param $a i32) (param $b i32) (param $sums i32)
    (local $from i32) (local $other i32)
    (local $s0 v128) (local $s1 v128) (local $s2 v128) (local $s3 v128)
    (block $done
      (loop $rows
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $from (i32.add (local.get $a) (local.get $at)))
        (local.set $other (i32.add (local.get $b) (local.get $at)))
        (local.set $s0
          (f32x4.add (local.get $s0) (f32x4.mul (v128.load (local.get $from)) (v128.load (local.get $other)))))
        (local.set $s1
          (f32x4.add (local.get $s1)
            (f32x4.mul (v128.load offset=16 (local.get $from)) (v128.load offset=16 (local.get $other)))))
        (local.set $s2
          (f32x4.add (local.get $s2)
            (f32x4.mul (v128.load offset=32 (local.get $from)) (v128.load offset=32 (local.get $other)))))
        (local.set $s3
          (f32x4.add (local.get $s3)
            (f32x4.mul (v128.load offset=48 (local.get $from)) (v128.load offset=48 (local.get $other)))))
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (br $rows)))
    (v128.store (local.get $sums) (local.get $s0))
    (v128.store offset=16 (local.get $sums) (local.get $s1))
    (v128.store offset=32 (local.get $sums) (local.get $s2))
    (v128.store offset=48 (local.get $sums) (local.get $s3)))

  ;; out = a + b times each column's coefficient, over the bytes from $at up to $end of the blocks
  (func (export "combine")
    (param $at i32) (param $end i32) (param $a i32) (param $b i32) (param $coefficients i32) (param $out i32)
    (local $from i32) (local $other i32) (local $to i32)
    (local $c0 v128) (local $c1 v128) (local $c2 v128) (local $c3 v128)
    (local.set $c0 (v128.load (local.get $coefficients)))
    (local.set $c1 (v128.load offset=16 (local.get $coefficients)))
    (local.set $c2 (v128.load offset=32 (local.get $coefficients)))
    (local.set $c3 (v128.load offset=48 (local.get $coefficients)))
    (block $done
      (loop $rows
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $from (i32.add (local.get $a) (local.get $at)))
        (local.set $other (i32.add (local.get $b) (local.get $at)))
        (local.set $to (i32.add (local.get $out) (local.get $at)))
        (v128.store (local.get $to)
          (f32x4.add (v128.load (local.get $from)) (f32x4.mul (local.get $c0) (v128.load (local.get $other)))))
        (v128.store offset=16 (local.get $to)
          (f32x4.add (v128.load offset=16 (local.get $from))
            (f32x4.mul (local.get $c1) (v128.load offset=16 (local.get $other)))))
        (v128.store offset=32 (local.get $to)
          (f32x4.add (v128.load offset=32 (local.get $from))
            (f32x4.mul (local.get $c2) (v128.load offset=32 (local.get $other)))))
        (v128.store offset=48 (local.get $to)
          (f32x4.add (v128.load offset=48 (local.get $from))
            (f32x4.mul (local.get $c3) (v128.load offset=48 (local.get $other)))))
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (br $rows)))))
