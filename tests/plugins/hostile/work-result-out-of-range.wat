;; A result area that lies behind the end of memory.
(func (export "sternlight:plugin/reward-stage@1.0.0#score") (param $batch i32) (param $count i32) (result i32)
  (i32.const 0x7ffffff0))
