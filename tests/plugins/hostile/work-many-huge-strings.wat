;; 5,000 errors whose messages are the same 48 KiB: little memory here, 240 MB where they are copied to.
(func (export "sternlight:plugin/reward-stage@1.0.0#score") (param $batch i32) (param $count i32) (result i32)
  (local $results i32) (local $row i32)
  (local.set $results (i32.load (call $all_null (i32.const 5000))))
  (loop $each
    (call $fail
      (i32.add (local.get $results) (i32.mul (local.get $row) (i32.const 24))) (i32.const 8192) (i32.const 49152))
    (local.set $row (i32.add (local.get $row) (i32.const 1)))
    (br_if $each (i32.lt_u (local.get $row) (i32.const 5000))))
  (i32.const 1216))
