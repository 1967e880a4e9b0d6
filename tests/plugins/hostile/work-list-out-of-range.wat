;; Results that lie behind the end of memory.
(func (export "sternlight:plugin/reward-stage@1.0.0#score") (param $batch i32) (param $count i32) (result i32)
  (i32.store (i32.const 1216) (i32.const 0x7ffffff0))
  (i32.store (i32.const 1220) (local.get $count))
  (i32.const 1216))
