;; Returns nothing.
(func (export "sternlight:plugin/batch-stage@1.0.0#process") (param $ipc i32) (param $length i32) (result i32)
  (i32.store (i32.const 1216) (i32.const 0))
  (i32.store (i32.const 1220) (i32.const 0))
  (i32.store (i32.const 1224) (i32.const 0))
  (i32.store (i32.const 1228) (i32.const 1280))
  (i32.store (i32.const 1232) (i32.const 0))
  ;; A row that has no value: which, and why.
  (i32.store (i32.const 1280) (i32.const 9))
  (i32.store (i32.const 1284) (i32.const 4096))
  (i32.store (i32.const 1288) (i32.const 3))
  (i32.const 1216))
