;; Changes turn 3 of the fourth row, which has three.
(func (export "sternlight:plugin/relabel-stage@1.0.0#relabel") (param $batch i32) (param $count i32) (result i32)
  (drop (call $one_copy_each (local.get $batch) (local.get $count)))
  (i32.store (i32.load offset=52 (call $copy_of (i32.const 3))) (i32.const 3))
  (i32.const 1216))
