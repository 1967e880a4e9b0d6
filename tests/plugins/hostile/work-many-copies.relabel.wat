;; A hundred thousand copies of the second row.
(func (export "sternlight:plugin/relabel-stage@1.0.0#relabel") (param $batch i32) (param $count i32) (result i32)
  (drop (call $one_copy_each (local.get $batch) (local.get $count)))
  (i32.store offset=16 (i32.load (i32.const 1216))
    (call $allocate (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 6000000)))
  (i32.store offset=20 (i32.load (i32.const 1216)) (i32.const 100000))
  (i32.const 1216))
